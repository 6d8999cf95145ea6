# Code that was found once and is elsewhere now: behind indirect branches, direct ones to other pages, returns, page ends;
# by INVLPG, by a new CR3, by a write to the other page; the same address in another mode.
# expect: indirect 0000000000000011
# expect: indirect 0000000000000022
# expect: direct 0000000000000022
# expect: direct 0000000000000011
# expect: return 0000000000000011
# expect: return 0000000000000022
# expect: crossing 0000000011223344
# expect: crossing 0000000055667744
# expect: crossing 0000000055007744
# expect: next page 0000000000000011
# expect: next page 0000000000000022
# expect: 64-bit 0000000000000006
# expect: 32-bit 0000000000000005
# expect: 64-bit 0000000000000006
# expect: page of data 0000000000000300
.include "common64.inc"
.set FUNCTION, 0xb00000                         # at FIRST or at SECOND
.set FIRST, 0xa00000
.set SECOND, 0xa01000
.macro AT address                               # leads FUNCTION's page there
        mov     dword ptr [PTE + (FUNCTION >> 12) * 8], \address + 3
.endm
.macro FOUR insn:vararg                         # often enough for everything to be linked
        mov     ebp, 4
779:    \insn
        dec     ebp
        jnz     779b
.endm
main:
        mov     dword ptr [FIRST], 0x000011b8   # MOV EAX, 11h; RET
        mov     word ptr [FIRST + 4], 0xc300
        mov     dword ptr [SECOND], 0x000022b8
        mov     word ptr [SECOND + 4], 0xc300
        AT      FIRST
        invlpg  [FUNCTION]
        mov     ebx, FUNCTION
        FOUR    call rbx
        PRINT   "indirect "
        SHOW    rax
        AT      SECOND
        invlpg  [FUNCTION]
        FOUR    call rbx
        PRINT   "indirect "
        SHOW    rax
        FOUR    call FUNCTION
        PRINT   "direct "
        SHOW    rax
        AT      FIRST
        mov     rax, cr3
        mov     cr3, rax
        FOUR    call FUNCTION
        PRINT   "direct "
        SHOW    rax

        # CALL RDX; MOV EAX, 11h or 22h; RET: what is called moves its caller
        mov     dword ptr [FIRST + 0x10], 0x11b8d2ff
        mov     dword ptr [FIRST + 0x14], 0xc3000000
        mov     dword ptr [SECOND + 0x10], 0x22b8d2ff
        mov     dword ptr [SECOND + 0x14], 0xc3000000
        mov     ebx, FUNCTION + 0x10
        mov     edx, offset stay
        FOUR    call rbx
        PRINT   "return "
        SHOW    rax
        mov     edx, offset move
        call    rbx
        PRINT   "return "
        SHOW    rax

        mov     word ptr [0xa02ffe], 0x44b8     # MOV EAX, 11223344h; RET across the boundary
        mov     dword ptr [0xa03000], 0xc3112233
        mov     dword ptr [0xa05000], 0xc3556677
        mov     ebx, 0xa02ffe
        FOUR    call rbx
        PRINT   "crossing "
        SHOW    rax
        mov     dword ptr [PTE + 0xa03 * 8], 0xa05003
        invlpg  [0xa03000]
        FOUR    call rbx
        PRINT   "crossing "
        SHOW    rax
        mov     byte ptr [0xa05001], 0          # by its other address
        call    rbx
        PRINT   "crossing "
        SHOW    rax

        mov     dword ptr [FUNCTION - 4], 0x90909090    # falls into the next page
        AT      FIRST
        invlpg  [FUNCTION]
        mov     ebx, FUNCTION - 4
        FOUR    call rbx
        PRINT   "next page "
        SHOW    rax
        AT      SECOND
        mov     rax, cr3
        mov     cr3, rax
        FOUR    call rbx
        PRINT   "next page "
        SHOW    rax

        mov     dword ptr [0xd00000], 0xc3c0ff48        # INC RAX; RET, or DEC EAX; INC EAX; RET
        mov     ebx, 0xd00000
        mov     eax, 2
        FOUR    call rbx
        PRINT   "64-bit "
        SHOW    rax
        push    CODE
        push    offset narrow
        retfq
.code32
narrow: mov     eax, 5
        mov     ebp, 4
1:      call    ebx
        dec     ebp
        jnz     1b
        .byte   0xea                            # JMP CODE64:wide
        .long   wide
        .word   CODE64
.code64
wide:   PRINT   "32-bit "
        SHOW    rax
        mov     eax, 2
        FOUR    call rbx
        PRINT   "64-bit "
        SHOW    rax

        mov     ecx, 0x300                      # data beside code, until its page is taken for data, and code again
        mov     ebx, FUNCTION
        xor     eax, eax
        mov     [SECOND + 0x800], eax
2:      inc     dword ptr [SECOND + 0x800]
        test    cl, 0x3f
        jnz     3f
        call    rbx
3:      loop    2b
        mov     eax, [SECOND + 0x800]
        PRINT   "page of data "
        SHOW    rax
        EXIT
move:   AT      SECOND
        invlpg  [FUNCTION]
stay:   ret
