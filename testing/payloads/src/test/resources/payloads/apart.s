# Two accesses that are checked together at one address of the code; at another address of it they always lie on two pages.
# expect: apart 000000000000000B
.include "common64.inc"
.set ROUNDS, 40
.set FAILING, 20000
.set PAIR, 0xa00000
main:
        mov     dword ptr [0x1000 + 100 * 8], 0x2007    # all of it twice more
        mov     dword ptr [0x1000 + 101 * 8], 0x2007
        mov     rax, cr3
        mov     cr3, rax
        mov     qword ptr [PAIR], 5
        mov     qword ptr [PAIR + 8], 6
        mov     qword ptr [PAIR + 0xff8], 5
        mov     qword ptr [PAIR + 0x1000], 6
        mov     esi, PAIR
        mov     rcx, 100 << 39
        lea     rbx, both[rcx]
        mov     edx, ROUNDS
        call    often
        mov     esi, PAIR + 0xff8
        mov     rcx, 101 << 39
        lea     rbx, both[rcx]
        mov     edx, FAILING
        call    often
        PRINT   "apart "
        SHOW    rax
        EXIT

often:  call    rbx
        dec     edx
        jnz     often
        ret
both:   mov     rax, [rsi]
        add     rax, [rsi + 8]
        ret
