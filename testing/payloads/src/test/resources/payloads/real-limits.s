# What 16 bits make go round, and what 64 KiB end, in real mode, several times each so that pages are known: operands, stack,
# strings, code; far code; segment registers; limits of 4 GiB left over from protected mode ("unreal").
# expect: top 0010
# expect: 0D +00
# expect: 0D +00
# expect: 0D +00
# expect: 0C +00
# expect: 0D +00
# expect: strings 0000 FFFF 4321
# expect: 0D +00
# expect: stack FFFE 0000 0077
# expect: 0C +00
# expect: code 0006
# expect: code 0012
# expect: 0D +00
# expect: segments 1234 5678 0012
# expect: division 0211 0007 FE0A
# expect: halves 2211
# expect: table 0042
# expect: all registers 0008
# expect: unreal 0BAD
# expect: 0D +00
# expect: still 0BAD
# expect: 0D +00
.include "common16.inc"
.set ELSEWHERE, 0x1000                          # a segment
.set OTHER_NAME, 0x0f00                         # another one that begins 1000h below
.macro SHOW text, value:vararg
        PRINT16 "\text"
        mov     ax, \value
        call    hex16
.endm
main:
        mov     cx, 4                           # operands that end where the segment does
        xor     dx, dx
        mov     bx, 0xffff
        mov     bp, bx
1:      mov     al, [bx]
        inc     dx
        mov     [bx], al
        inc     dx
        mov     ax, [bx - 1]
        inc     dx
        mov     eax, [bp - 3]
        inc     dx
        loop    1b
        SHOW    "top", dx
        RAISES  mov ax, [bx]
        RAISES  mov eax, [bx - 2]
        RAISES  add [bx], dx
        RAISES  mov [bp], ax
        mov     ebx, 0x10000
        RAISES  mov al, [ebx]

        mov     word ptr [0xfffe], 0x4321       # strings
        mov     cx, 3
1:      mov     esi, 0xfffffffe                 # of which the upper half stays
        mov     edi, esi
        lodsw
        stosw
        mov     si, 0xfffe
        mov     di, si
        cmpsw
        jne     1f
        mov     di, 0xfffe
        scasw
        jne     1f
        mov     di, 0xfffe
        mov     si, 0xfffe
        movsw
        loop    1b
1:      PRINT16 "strings"
        push    ax
        mov     ax, si
        call    word16
        mov     eax, edi
        shr     eax, 16
        call    word16
        pop     ax
        call    hex16
        mov     si, 0xffff
        RAISES  lodsw

        mov     cx, 3                           # the stack
        mov     bp, sp
1:      mov     sp, 0
        push    0x77
        mov     bx, sp
        pop     dx
        mov     di, sp
        push    dx
        call    2f
2:      add     sp, 2
        pop     dx
        loop    1b
        mov     sp, bp
        PRINT16 "stack"
        mov     ax, bx
        call    word16
        mov     ax, di
        call    word16
        mov     ax, dx
        call    hex16
        mov     sp, 0xffff
        RAISES  pop ax
        mov     sp, bp

        mov     ax, ELSEWHERE                   # code that goes round, in a segment of its own
        mov     es, ax
        mov     dword ptr es:[0], 0xcbedeb42   # INC DX; JMP FFF0h; RETF
        mov     dword ptr es:[0xfff0], 0x000fe942      # INC DX; JMP 3
        mov     dword ptr [0xfff0], 0xcb424242 # three times INC DX; RETF
        xor     dx, dx
        mov     cx, 3
1:      call    ELSEWHERE:0
        loop    1b
        SHOW    "code", dx
        mov     cx, 3
1:      call    OTHER_NAME:0x1000      # the same code by another name, whence JMP leads to 0:FFF0h
        loop    1b
        SHOW    "code", dx
        mov     eax, 0x10000
        RAISES  jmp eax

        mov     cx, 3                           # segment registers
1:      mov     ax, 0x1234
        mov     es, ax
        mov     ds, ax
        mov     bx, ds
        push    es
        pop     fs
        push    fs
        pop     gs
        mov     dx, gs
        mov     word ptr [0], 0x12              # 12340h
        lds     si, cs:[pointer]
        mov     bx, ds
        mov     ax, 0x1000
        mov     ds, ax
        mov     di, [0x2340]
        xor     ax, ax
        mov     ds, ax
        mov     es, ax
        loop    1b
        PRINT16 "segments"
        mov     ax, dx
        call    word16
        mov     ax, bx
        call    word16
        mov     ax, di
        call    hex16

        mov     cx, 3                           # division
1:      mov     ax, 0x123
        mov     bl, 0x11
        div     bl                              # 11h, rest 2
        mov     bx, ax
        mov     ax, 0x0007
        mov     dx, 1
        mov     di, 0x2000
        div     di                              # 8, rest 7
        mov     si, dx
        mov     ax, -32
        mov     dl, -3
        idiv    dl                              # 10, rest -2
        loop    1b
        push    ax
        PRINT16 "division"
        mov     ax, bx
        call    word16
        mov     ax, si
        call    word16
        pop     ax
        call    hex16

        mov     cx, 3                           # AH to BH beside memory
        mov     bx, offset bytes
1:      mov     ah, [bx]
        mov     al, [bx + 1]
        xchg    al, ah
        mov     [bx + 2], ah
        add     [bx + 2], al
        sub     [bx + 2], al
        cmp     ah, [bx + 2]
        jne     1f
        loop    1b
1:      mov     dx, ax
        SHOW    "halves", dx

        mov     cx, 3
        mov     bx, offset bytes
1:      mov     al, 3
        xlatb
        loop    1b
        xor     ah, ah
        mov     dx, ax
        SHOW    "table", dx

        mov     cx, 3
        mov     dx, 8
1:      pushaw
        xor     dx, dx
        xor     cx, cx
        mov     si, sp
        mov     ax, [si + 10]                   # DX
        popaw
        loop    1b
        SHOW    "all registers", dx

        lgdt    [gdtr]                          # and back again, with FS of 4 GiB
        mov     eax, cr0
        or      al, 1
        mov     cr0, eax
        mov     ax, 8
        mov     fs, ax
        mov     eax, cr0
        and     al, 0xfe
        mov     cr0, eax
        xor     ax, ax
        mov     fs, ax
        mov     ebx, 0x200000
        mov     cx, 3
1:      mov     word ptr fs:[ebx], 0xbad
        mov     dx, fs:[ebx]
        loop    1b
        SHOW    "unreal", dx
        RAISES  mov dx, [ebx]
        mov     cx, 3
1:      mov     ax, 0x1000
        mov     fs, ax
        mov     dx, fs:[ebx - 0x10000]
        loop    1b
        SHOW    "still", dx
        RAISES  mov dx, es:[ebx]
        EXIT

print:  lodsb                                   # up to a zero
        test    al, al
        jz      1f
        out     0xe9, al
        jmp     print
1:      ret
word16: call    hex16_only                      # AX and a blank
        mov     al, ' '
        out     0xe9, al
        ret
hex16_only:
        push    ax
        mov     al, ah
        call    hex8
        pop     ax
        jmp     hex8

pointer: .word  0x9999, 0x5678
bytes:  .byte   0x11, 0x22, 0, 0x42
        .balign 8
gdt:    .quad   0, 0x00cf93000000ffff
gdtr:   .word   15
        .long   gdt
