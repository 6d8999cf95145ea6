# Single step, instruction and data breakpoints, general detect (SDM vol. 3B, 17.2).
# expect: 01 0000 +03
# expect: DR6 00000000FFFF4FF0
# expect: 01 0000 +00
# expect: DR6 00000000FFFF0FF1
# expect: 01 0000 +07
# expect: DR6 00000000FFFF0FF2
# expect: 01 0000 +07
# expect: DR6 00000000FFFF0FF4
# expect: read of a write breakpoint is quiet
# expect: 01 0000 +00
# expect: DR6 00000000FFFF2FF0
# expect: 01 0000 +05
.include "common64.inc"
.macro DR6
        PRINT   "DR6 "
        mov     rax, dr6
        SHOW    rax
        mov     eax, 0xffff0ff0
        mov     dr6, rax
.endm
main:
        pushfq
        or      dword ptr [rsp], 0x100
        mov     dword ptr [subject], offset 1f
        mov     dword ptr [resume], offset 2f
        popfq
1:      xor     rbx, rbx
2:      DR6
        mov     eax, offset 3f
        mov     dr0, rax
        mov     eax, 0x402                      # G0: execute
        mov     dr7, rax
        mov     dword ptr [subject], offset 3f
        mov     dword ptr [resume], offset 4f
3:      nop
4:      DR6
        mov     eax, 0xa00004
        mov     dr1, rax
        mov     eax, 0xd00408                   # G1: write, 4 bytes
        mov     dr7, rax
        RAISES  mov dword ptr [0xa00004], eax
        DR6
        mov     eax, 0xa00010
        mov     dr2, rax
        mov     eax, 0xf000420                  # G2: read or write, 4 bytes
        mov     dr7, rax
        RAISES  mov eax, dword ptr [0xa00013]
        DR6
        mov     eax, 0xd00408
        mov     dr7, rax
        mov     eax, [0xa00004]
        PRINT   "read of a write breakpoint is quiet\n"
        mov     eax, 0x2400                     # GD
        mov     dr7, rax
        RAISES  mov rax, dr7
        DR6
        pushfq                                  # MOV SS holds the trap back for one instruction
        or      dword ptr [rsp], 0x100
        mov     cx, DATA
        mov     dword ptr [subject], offset 5f
        mov     dword ptr [resume], offset 6f
        popfq
5:      mov     ss, cx
        xor     rbx, rbx
6:      EXIT
