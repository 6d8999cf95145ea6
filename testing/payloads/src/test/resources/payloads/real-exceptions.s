# Exceptions and traps in real mode (SDM vol. 3B, 20.1.4).
# expect: 00 +00
# expect: 03 +01
# expect: 04 +01
# expect: 05 +00
# expect: 06 +00
# expect: 06 +00
# expect: 0D +00
# expect: 0D +00
# expect: 0C +00
# expect: 01 +03
# expect: 21 +02
# expect: 07 +00
# expect: 06 +00
# expect: 06 +00
# expect: 06 +00
# expect: 06 +00
# expect: 06 +00
# expect: 06 +00
# expect: 06 +00
# expect: 06 +00
# expect: 06 +00
# expect: 06 +00
# expect: 06 +00
# expect: 06 +00
# expect: 06 +00
# expect: 06 +00
# expect: 06 +00
# expect: 06 +00
# expect: 06 +00
# expect: 06 +00
# expect: 06 +00
# expect: 06 +00
# expect: 1234
.include "common16.inc"
        xor     bl, bl
        RAISES  div bl
        RAISES  int3
        mov     al, 0x7f
        add     al, 1
        RAISES  into
        mov     ax, 9
        RAISES  bound ax, [range]
        RAISES  ud2
        RAISES  lldt ax
        RAISES  mov ax, [0xffff]
        mov     bx, 0xffff
        RAISES  mov ax, [bx]
        mov     bp, 0xffff
        RAISES  mov ax, [bp]
        pushf                           # single step: the trap comes after the instruction that follows POPF
        pop     ax
        or      ax, 0x100
        push    ax
        mov     word ptr [subject], offset 1f
        mov     word ptr [resume], offset 2f
        popf
1:      mov     bx, 0x1234
2:      mov     word ptr [0x21 * 4], offset int21
        mov     word ptr [0x21 * 4 + 2], 0
        RAISES  int 0x21
        mov     eax, cr0
        or      eax, 8                  # TS
        mov     cr0, eax
        RAISES  fldz
        mov     cx, 20                  # often enough to be translated
3:      RAISES  .byte 0xc4, 0xe2, 0x48, 0xf5, 0x05      # BZHI EAX, [DI], ESI: there is no VEX in real mode
        dec     cx
        jnz     3b
        mov     ax, 0x1234
        call    hex16
        EXIT
int21:  push    0x21
        jmp     handler
range:  .word   0, 8
