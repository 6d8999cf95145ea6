# What instructions leave alone, and frames: BT and its kin keep ZF (SDM vol. 2A, BT), ENTER at every kind of level. The carry
# of an addition goes on to AH and memory.
# expect: ZF 0000000000001111
# expect: ZF 0000000000000000
# expect: 0000000000000018
# expect: 0000000000000000
# expect: 0000000000000028
# expect: 0000000000000008
# expect: 0000000000000038
# expect: 0000000000000111
# expect: 0000000000000008
# expect: 0000000000000006
# expect: FFFFFFFFFFFF1234
# expect: 0000000000000023
.include "common64.inc"
.macro KEEP insn:vararg                         # a nibble of RDI: ZF before and after, which R8D says
        shl     edi, 4
        cmp     r8d, 1
        \insn
        setz    al
        movzx   eax, al
        or      edi, eax
.endm
.macro KINDS
        xor     edi, edi
        mov     ecx, 3
        KEEP    bt ecx, 1
        KEEP    bts dword ptr [0xa00000], ecx
        KEEP    btr dword ptr [0xa00000], 5
        KEEP    btc cx, cx
        PRINT   "ZF "
        SHOW    rdi
.endm
main:
        mov     r8d, 1
        KINDS
        mov     r8d, 2
        KINDS
        mov     rbx, rsp
        mov     ebp, 0xa01000
        mov     qword ptr [0xa00ff8], 0x111     # the frames before: what deeper levels copy
        enter   0x10, 0
        mov     rcx, rbx
        sub     rcx, rsp
        SHOW    rcx
        lea     rcx, [rsp + 0x10]
        sub     rcx, rbp
        SHOW    rcx
        mov     rsp, rbx
        mov     ebp, 0xa01000
        enter   0x18, 1                         # RBP and the frame's own address
        mov     rcx, rbx
        sub     rcx, rsp
        SHOW    rcx
        mov     rcx, rbx
        sub     rcx, rbp
        SHOW    rcx
        mov     rsp, rbx
        mov     ebp, 0xa01000
        enter   0x20, 2                         # and one of the frames before
        mov     rcx, rbx
        sub     rcx, rsp
        SHOW    rcx
        mov     rcx, [rbp - 8]
        SHOW    rcx
        mov     rcx, rbx
        sub     rcx, [rbp - 0x10]
        SHOW    rcx
        mov     rsp, rbx
        mov     rbp, -1
        .byte   0x66                            # ENTER with 16-bit operands
        enter   4, 0
        mov     rcx, rbx
        sub     rcx, rsp
        SHOW    rcx
        mov     rsp, rbx
        push    0x1234
        mov     rbp, rsp
        .byte   0x66                            # LEAVE with 16-bit operands: BP alone
        leave
        mov     rax, -1
        mov     ax, bp
        mov     rsp, rbx
        SHOW    rax
        mov     byte ptr [0xa00000], 0x0f
        mov     eax, 0x8508
        add     ax, 0x66fa                      # no carry
        sbb     byte ptr [0xa00000], ah
        movzx   ecx, byte ptr [0xa00000]
        SHOW    rcx
        EXIT
