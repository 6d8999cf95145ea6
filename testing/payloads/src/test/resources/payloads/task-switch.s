# Task switches by JMP, CALL with IRET, and an interrupt through a task gate (SDM vol. 3A, 7.3).
# expect: in B 000040F8
# expect: back in A
# expect: called B, NT, link 0038
# expect: back in A again
# expect: interrupt task
# expect: after interrupt task
# expect: TS set
.include "common32.inc"
gate_entry:
main:
        mov     dword ptr [0x4120], offset task_b       # EIP
        mov     dword ptr [0x4124], 2                   # EFLAGS
        mov     dword ptr [0x4138], 0x40f8 + 8          # ESP
        mov     dword ptr [0x4148], DATA                # ES
        mov     dword ptr [0x414c], CODE
        mov     dword ptr [0x4150], DATA
        mov     dword ptr [0x4154], DATA
        mov     dword ptr [0x4158], DATA
        mov     dword ptr [0x415c], DATA
        .byte   0xea                    # JMP TSS_B:0
        .long   0
        .word   TSS_B
        PRINT   "back in A\n"
        .byte   0x9a                    # CALL TSS_B:0
        .long   0
        .word   TSS_B
        PRINT   "back in A again\n"
        mov     dword ptr [0x5000 + 0x40 * 8], TSS_B << 16      # INT 40h is a task gate
        mov     dword ptr [0x5000 + 0x40 * 8 + 4], 0x0000e500
        int     0x40
        PRINT   "after interrupt task\n"
        mov     eax, cr0
        test    eax, 8
        jz      2f
        PRINT   "TS set\n"
2:      EXIT
task_b: PRINT   "in B "
        lea     eax, [esp - 8]
        call    hex32
        mov     al, 10
        out     0xe9, al
        .byte   0xea                    # JMP TSS:0
        .long   0
        .word   TSS
        pushfd
        pop     eax
        test    eax, 0x4000
        jz      1f
        PRINT   "called B, NT, link "
        mov     ax, [0x4100]
        call    hex16
        mov     al, 10
        out     0xe9, al
1:      iretd
        PRINT   "interrupt task\n"
        iretd
