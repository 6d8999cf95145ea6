# A call gate from CPL 3 to CPL 0 with two parameters, and the far return (SDM vol. 3A, 5.8.4); conforming code; faults.
# expect: CS 0008 parameters 00001111 00002222
# expect: old SS:ESP 0023:00005FF8
# expect: back, CS 001B SP 00006000
# expect: conforming CS 007B
# expect: 0D 0008 +00
# expect: 0D 0010 +00
# expect: 0D 0100 +00
# expect: 0B 0048 +00
.include "common32.inc"
gate_entry:
        mov     ebp, esp
        PRINT   "CS "
        mov     ax, cs
        call    hex16
        PRINT   " parameters "
        mov     eax, [ebp + 8]
        call    hex32
        call    blank
        mov     eax, [ebp + 12]
        call    hex32
        PRINT   "\nold SS:ESP "
        mov     ax, [ebp + 20]
        call    hex16
        mov     al, ':'
        out     0xe9, al
        mov     eax, [ebp + 16]
        call    hex32
        mov     al, 10
        out     0xe9, al
        retf    8
conform: mov    cx, cs
        retf
main:
        mov     eax, offset report              # INT 7Fh prints a line for user code
        mov     [0x5000 + 0x7f * 8], ax
        TO_USER
        push    0x2222
        push    0x1111
        .byte   0x9a                    # CALL GATE:0
        .long   0
        .word   GATE
        mov     cx, cs
        mov     edx, esp
        mov     ebx, 0
        int     0x7f
        .byte   0x9a                    # CALL CONFORMING+3:conform
        .long   conform
        .word   CONFORMING + 3
        mov     ebx, 1
        int     0x7f
        RAISES  .byte 0x9a, 0, 0, 0, 0, CODE, 0
        RAISES  .byte 0x9a, 0, 0, 0, 0, DATA, 0
        RAISES  .byte 0x9a, 0, 0, 0, 0, 0, 1
        and     byte ptr [gate + 5], 0x7f       # not present
        RAISES  .byte 0x9a, 0, 0, 0, 0, GATE, 0
        EXIT
report: test    ebx, ebx
        jnz     1f
        PRINT   "back, CS "
        mov     ax, cx
        call    hex16
        PRINT   " SP "
        mov     eax, edx
        call    hex32
        jmp     2f
1:      PRINT   "conforming CS "
        mov     ax, cx
        call    hex16
2:      mov     al, 10
        out     0xe9, al
        iretd
