# One page of code seen at many linear addresses, as a library is that many programs have: what is kept of it for one address
# is used for the next, and a write to it ends all of it.
# expect: moved 0000000000000000
# expect: moved 0000000000000000
# expect: moved 0000000000000000
# expect: moved 0000000000000000
# expect: moved 0000000000000000
# expect: moved 0000000000000000
# expect: moved 0000000000000000
# expect: moved 0000000000000000
# expect: moved 0000000000000000
# expect: moved 0000000000000000
# expect: moved 0000000000000000
# expect: moved 0000000000000000
# expect: written 0000000000000001
# expect: written 0000000000000001
# expect: written 0000000000000001
# expect: written 0000000000000001
# expect: written 0000000000000001
# expect: written 0000000000000001
# expect: written 0000000000000001
# expect: written 0000000000000001
# expect: written 0000000000000001
# expect: written 0000000000000001
# expect: written 0000000000000001
# expect: written 0000000000000001
# expect: first again 0000000000000001
.include "common64.inc"
.set ALIASES, 12                                # more than are kept
.set ROUNDS, 40
.macro VISIT text                               # calls FUNCTION at each alias, often
        mov     r12d, 100                       # PML4 entry
1:      mov     r13, r12
        shl     r13, 39
        shl     r13, 16                         # to canonical form: from 128 up the upper half
        sar     r13, 16
        CHECK   "\text"
        inc     r12d
        cmp     r12d, 100 + ALIASES
        jb      1b
.endm
.macro CHECK text                               # shows how far what FUNCTION at R13 computes is from what it should
        mov     r14d, ROUNDS
2:      lea     rbx, function[r13]
        call    rbx
        dec     r14d
        jnz     2b
        lea     rdx, [r13 + r13 * 2]
        sub     rax, rdx
        sub     rax, offset function
        sub     rax, offset back
        sub     rax, offset behind
        sub     rax, 0x1234 + 3
        PRINT   "\text"
        SHOW    rax
.endm
main:
        mov     ecx, ALIASES
3:      mov     dword ptr [0x1000 + 99 * 8 + rcx * 8], 0x2007
        loop    3b
        mov     rax, cr3
        mov     cr3, rax
        VISIT   "moved "
        inc     byte ptr [times + 1]            # by the address that none of them has
        VISIT   "written "
        mov     r13d, 100
        shl     r13, 39
        CHECK   "first again "
        EXIT

        .balign 4096
function:
        lea     rax, [rip + function]
        add     rax, [rip + datum]
        call    beside
back:   call    beyond
behind:
times:  mov     ecx, 3
4:      inc     rax
        dec     ecx
        jnz     4b
        lea     rdx, [rip + 5f]
        jmp     rdx
5:      ret
beside:   add     rax, [rsp]
        ret
datum:  .quad   0x1234
        .balign 4096
beyond:   add     rax, [rsp]
        ret
