# Far calls, jumps and returns, INT and IRET in real mode, several times each so that everything is known: stacks and
# offsets at their ends, vectors and code that change, more code segments than are remembered.
# expect: calls 0018 7000
# expect: pointers 000C
# expect: wide 0006
# expect: interrupts 0008 0008 0008
# expect: IF 0006
# expect: vectors 0024
# expect: INT3 0004
# expect: 0D +00
# expect: 0D +00
# expect: 0D +00
# expect: stack 0003 0002 FFFC
# expect: written 0000
# expect: 01 +01
# expect: 01 +01
# expect: 0D +00
# expect: 0D +00
# expect: 0D +00
# expect: segments 00A0
.include "common16.inc"
.set FIRST, 0x1000                              # segments
.set SECOND, 0x2000
.set MANY, 0xf000                               # of SECOND
.macro WORD value:vararg
        mov     ax, \value
        call    word16
.endm
.macro SHOW value:vararg
        mov     ax, \value
        call    hex16
.endm
main:
        mov     ax, FIRST
        mov     es, ax
        mov     dword ptr es:[0], 0xcb42        # INC DX; RETF
        mov     dword ptr es:[0x10], 0xcb6642   # INC DX; RETFD
        mov     ax, SECOND
        mov     fs, ax
        mov     dword ptr fs:[0], 0x2ca4242     # twice INC DX; RETF 2
        mov     byte ptr fs:[4], 0

        xor     dx, dx
        mov     cx, 8
1:      call    FIRST:0
        push    ax
        call    SECOND:0
        loop    1b
        PRINT16 "calls"
        WORD    dx
        SHOW    sp
        xor     dx, dx
        mov     cx, 6
1:      call    dword ptr [pointer]
        push    cs
        push    offset 2f
        jmp     dword ptr [pointer]
2:      loop    1b
        PRINT16 "pointers"
        SHOW    dx
        xor     dx, dx
        mov     cx, 6
1:      .byte   0x66, 0x9a                      # CALL FIRST:10h, with an offset of 32 bits
        .long   0x10
        .word   FIRST
        loop    1b
        PRINT16 "wide"
        SHOW    dx

        mov     dword ptr [4 * 0x40], offset handler40
        xor     dx, dx
        xor     di, di
        xor     bx, bx
        mov     cx, 8
1:      clc
        int     0x40
        adc     di, 0                           # CF comes from the frame
        test    si, 1
        jnz     2f
        inc     bx                              # and was clear in it
2:      loop    1b
        PRINT16 "interrupts"
        WORD    dx
        WORD    di
        SHOW    bx
        xor     di, di
        mov     cx, 3
1:      sti
        int     0x40
        bt      si, 9
        adc     di, 0
        pushf
        pop     ax
        cli
        bt      ax, 9
        adc     di, 0
        loop    1b
        PRINT16 "IF"
        SHOW    di
        xor     bx, bx
        mov     cx, 8
1:      mov     word ptr [4 * 0x40], offset add1
        int     0x40
        test    cl, 1
        jz      2f
        mov     word ptr [4 * 0x40], offset add8
        int     0x40
2:      loop    1b
        sub     bx, 4
        PRINT16 "vectors"
        SHOW    bx
        mov     dword ptr [4 * 3], offset add1
        xor     bx, bx
        mov     cx, 4
1:      int3
        loop    1b
        PRINT16 "INT3"
        SHOW    bx
        lidt    [short_table]
        mov     cx, 3
1:      RAISES  int 0x40
        loop    1b
        lidt    [long_table]

        xor     dx, dx                          # stacks that go round
        mov     bp, sp
        mov     cx, 3
1:      mov     sp, 2
        call    FIRST:0
        mov     bx, sp
        mov     sp, 0xfffc
        pushf
        push    cs
        push    offset 2f
        mov     ax, [0xfff6]
        mov     si, [0xfff8]
        mov     di, [0xfffa]
        mov     [0xfffc], ax
        mov     [0xfffe], si
        mov     [0], di
        mov     sp, 0xfffc
        iret
2:      cmp     sp, 2
        jne     3f
        loop    1b
3:      mov     sp, bp
        PRINT16 "stack"
        WORD    dx
        WORD    bx
        SHOW    0xfffc

        xor     dx, dx
        mov     cx, 8
1:      xor     byte ptr es:[0], 8              # INC DX is DEC DX and again INC DX
        call    FIRST:0
        loop    1b
        PRINT16 "written"
        SHOW    dx
        mov     cx, 2
1:      pushf
        or      word ptr [esp], 0x100
        push    cs
        push    offset 2f
        mov     word ptr [subject], offset 2f
        mov     word ptr [resume], offset 3f
        iret
2:      nop
        nop
3:      loop    1b
        mov     cx, 2                           # beyond the limit
1:      RAISES  .byte 0x66, 0xea, 0, 0, 1, 0, 0, 0
        loop    1b
        pushd   0
        pushd   0x10000
        RAISES  .byte 0x66, 0xcb
        add     sp, 8

        mov     dword ptr fs:[MANY], 0xcb42     # INC DX; RETF
        xor     dx, dx
        mov     di, 4
1:      mov     word ptr [pointer], MANY
        mov     word ptr [pointer + 2], SECOND
        mov     cx, 40
2:      call    dword ptr [pointer]
        sub     word ptr [pointer], 16
        inc     word ptr [pointer + 2]
        loop    2b
        dec     di
        jnz     1b
        PRINT16 "segments"
        SHOW    dx
        mov     al, 0
        out     0xf4, al
        hlt

handler40:
        mov     bp, sp
        mov     si, [bp + 4]
        or      byte ptr [bp + 4], 1
        pushf
        pop     ax
        and     ax, 0x200                       # IF is clear here
        shr     ax, 1
        add     dx, ax
        inc     dx
        iret
add8:   add     bx, 7
add1:   inc     bx
        iret
print:  cs lodsb
        test    al, al
        jz      1f
        out     0xe9, al
        jmp     print
1:      ret
word16: push    ax                              # prints AX and a blank
        mov     al, ah
        call    hex8
        pop     ax
        call    hex8
        mov     al, ' '
        out     0xe9, al
        ret

        .balign 4
pointer: .word  0, FIRST
short_table: .word 0x40 * 4 - 1
        .long   0
long_table: .word 0x3ff
        .long   0
