# 16-bit code in a segment of 4 GiB that begins above 64 KiB: targets of near branches are 16 bits wide all the same, those of
# branches with a prefix 32.
# expect: sixteen 0000000F
# expect: thirty-two 00000004
.include "common32.inc"
.set WIDE, 0x88                                 # 16-bit code at 200000h, 4 GiB
.set BASE, 0x200000
gate_entry:
main:
        MORE_DESCRIPTORS
        mov     esi, offset low                 # what lies at 0, at FF00h and at 10000h of the segment
        mov     edi, BASE
        mov     ecx, offset low_end - low
        rep movsb
        mov     esi, offset high
        mov     edi, BASE + 0xff00
        mov     ecx, offset high_end - high
        rep movsb
        mov     esi, offset beyond
        mov     edi, BASE + 0x10000
        mov     ecx, offset beyond_end - beyond
        rep movsb
        xor     edx, edx
        mov     ebx, 3
1:      mov     ebp, 0
        .byte   0x9a                            # CALL WIDE:FF00h
        .long   0xff00
        .word   WIDE
        dec     ebx
        jnz     1b
        PRINT   "sixteen "
        SHOW    edx
        xor     edx, edx
        mov     ebx, 4
1:      .byte   0x9a                            # CALL WIDE:FF80h
        .long   0xff80
        .word   WIDE
        inc     edx
        dec     ebx
        jnz     1b
        PRINT   "thirty-two "
        SHOW    edx
        EXIT

.code16
low:    inc     dx                              # 0: by JMP
        jmp     low + 0xff10 - 0x10000
        .org    low + 0x10
        inc     dx                              # 10h: by JZ
        .byte   0xe9                            # JMP FF20h
        .word   0xff20 - 0x14
        .org    low + 0x20
        inc     dx                              # 20h: by CALL
        ret
        .org    low + 0x30
        inc     dx                              # 30h: by LOOP
        .byte   0xe9                            # JMP FF40h
        .word   0xff40 - 0x34
        .org    low + 0x40
        inc     dx                              # 40h: by JMP CX
        .byte   0xe9                            # JMP FF60h
        .word   0xff60 - 0x44
low_end:
high:   .byte   0xe9                            # FF00h: JMP 0
        .word   0x10000 - 0xff03
        .org    high + 0x10
        xor     ax, ax
        .byte   0x0f, 0x84                      # JZ 10h
        .word   0x10010 - 0xff16
        .org    high + 0x20
        .byte   0xe8                            # CALL 20h
        .word   0x10020 - 0xff23
        mov     cx, 2
        .byte   0xe9                            # JMP FFC0h
        .word   0xffc0 - 0xff29
        .org    high + 0x40
        mov     cx, 0x40
        jmp     cx
        .org    high + 0x60
        .byte   0x66, 0xcb                      # RETFD
        .org    high + 0x80
        .byte   0x66, 0xe9                      # JMP 10000h
        .long   0x10000 - 0xff86
        .org    high + 0xc0
        .byte   0xe2                            # LOOP 30h
        .byte   0x10030 - 0xffc2
high_end:
beyond: .byte   0x66, 0xcb                      # RETFD
beyond_end:
.code32
        .balign 8
mored:  .word   WIDE + 7
        .long   more
        .balign 8
more:   .fill   0x88, 1, 0
        .quad   0x008f9b200000ffff
