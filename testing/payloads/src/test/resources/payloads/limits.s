# Segments with limits and bases in 32-bit and 16-bit protected mode, several times each so that pages are known: limits at the
# edge, expand-down, read-only, null, code; stacks of 16 bits in 32-bit code; code with a base and a limit.
# expect: small 0000000C
# expect: 0D 0000 +00
# expect: 0D 0000 +00
# expect: 0D 0000 +00
# expect: 0D 0000 +00
# expect: down 0000000C
# expect: 0D 0000 +00
# expect: 0D 0000 +00
# expect: based 00000042
# expect: 0D 0000 +00
# expect: read-only 00000001
# expect: 0D 0000 +00
# expect: code 00000001
# expect: 0D 0000 +00
# expect: null
# expect: 0D 0000 +00
# expect: sixteen
# expect: 0D 0000 +00
# expect: 0D 0000 +00
# expect: 0D 0000 +00
# expect: narrow stack 0012FFFC 0012FFF8 0012FFFC 0012FFFE 00120002
# expect: 0C 0000 +00
# expect: code from a base 00000009
# expect: 0000000A 0000000A 0000000A
# expect: 0D 0000 +00
# expect: beyond 00000004
# expect: 0D 0000 +00
# expect: 0D 0000 +00
# expect: 0D 0000 +00
# expect: 0D 0000 +00
# expect: 0D 0000 +00
# expect: still on the stack 00000100
.include "common32.inc"
.set BASED, 0x88                        # data at 9000h, 200h bytes
.set CODE_BASED, 0x90                   # 32-bit code at based, 100h bytes
.set CODE_MORE, 0x98                    # the same, of 4 GiB
.set STACK16, 0xa0                      # data, 4 GiB, of which a stack has 64 KiB
.macro BLANK
        push    eax
        call    blank
        pop     eax
.endm
.macro HEX value:vararg
        push    eax
        mov     eax, \value
        call    hex32
        pop     eax
.endm
# Reads, writes and changes the four bytes at OFFSET of FS, four times each, and counts.
.macro TOUCH offset
        mov     ecx, 4
        mov     ebx, \offset
778:    mov     eax, fs:[ebx]
        inc     edx
        mov     fs:[ebx], eax
        inc     edx
        add     dword ptr fs:[\offset], 0
        inc     edx
        loop    778b
.endm
gate_entry:
main:
        MORE_DESCRIPTORS

        mov     ax, SMALL
        mov     fs, ax
        xor     edx, edx
        TOUCH   0xfc
        PRINT   "small "
        SHOW    edx
        RAISES  mov eax, fs:[0xfd]
        RAISES  add fs:[ebx + 1], eax
        mov     bh, 0xff
        RAISES  mov fs:[ebx], al                # FFFCh
        mov     ebx, -1
        RAISES  mov eax, fs:[ebx]               # goes round at 4 GiB

        mov     ax, DOWN
        mov     fs, ax
        xor     edx, edx
        TOUCH   0x1000
        PRINT   "down "
        SHOW    edx
        RAISES  mov eax, fs:[0xfff]
        RAISES  mov fs:[0xffc], eax

        mov     ax, BASED
        mov     fs, ax
        mov     dword ptr [0x91fc], 0
        mov     ecx, 0x21
1:      mov     ebx, 0x1fc
        inc     dword ptr fs:[ebx]
        inc     dword ptr [ebx + 0x9000]
        loop    1b
        PRINT   "based "
        SHOW    fs:[0x1fc]
        RAISES  mov ax, fs:[0x1ff]

        mov     ax, READ_ONLY
        mov     fs, ax
        mov     dword ptr [0x9000], 1
        mov     ecx, 3
1:      mov     eax, fs:[0x9000]
        mov     [0x9000], eax
        loop    1b
        PRINT   "read-only "
        SHOW    fs:[0x9000]
        RAISES  mov fs:[0x9000], ecx

        mov     ecx, 3
1:      mov     eax, cs:[0x9000]
        mov     [0x9000], eax
        loop    1b
        PRINT   "code "
        SHOW    cs:[0x9000]
        RAISES  mov cs:[0x9000], ecx

        PRINT   "null\n"
        xor     eax, eax
        mov     fs, ax
        RAISES  mov al, fs:[0x9000]

        PRINT   "sixteen\n"
        mov     ax, SMALL
        mov     fs, ax
        .byte   0xea                            # JMP to 16-bit code
        .long   sixteen
        .word   CODE16
.code16
sixteen:
        mov     cx, 3
1:      mov     bx, 0xfe
        mov     ax, fs:[bx]
        mov     fs:[bx], ax
        mov     fs:[0xff], ah
        loop    1b
        mov     dword ptr [subject], offset 2f
        mov     dword ptr [resume], offset 3f
2:      mov     ax, fs:[bx + 1]
3:      mov     dword ptr [subject], offset 2f
        mov     dword ptr [resume], offset 3f
2:      mov     fs:[0x100], al
3:      mov     dword ptr [subject], offset 2f
        mov     dword ptr [resume], offset 3f
        mov     ebx, 0x100fe                    # what 16-bit addresses would cut
2:      mov     al, fs:[ebx]
3:      .byte   0x66, 0xea
        .long   narrow
        .word   CODE
.code32
narrow: mov     ebp, esp
        mov     dword ptr [0xfffc], 0
        mov     dword ptr [0x12fffc], 0         # where the stack is not
        mov     ax, STACK16
        mov     ss, ax
        mov     ecx, 4
1:      mov     esp, 0x120000
        push    0x77
        mov     edi, esp
        push    edi
        mov     esi, esp
        mov     eax, [0xfff8]
        pop     edi
        pop     edx
        call    4f
4:      pop     edx
        pushw   1
        mov     edx, esp
        popw    bx
        popw    bx
        loop    1b
        mov     ebx, esp
        mov     cx, DATA
        mov     ss, cx
        mov     esp, ebp
        PRINT   "narrow stack "
        HEX     edi
        BLANK
        HEX     esi
        BLANK
        HEX     eax
        BLANK
        HEX     edx
        BLANK
        SHOW    ebx
        mov     ax, DATA16
        mov     ss, ax
        mov     esp, 0xfffe
        RAISES  pop eax
        mov     ax, DATA
        mov     ss, ax
        mov     esp, ebp

        xor     edx, edx
        mov     ebp, 3
1:      call    CODE_BASED:inside - based
        mov     ebx, eax
        call    CODE_MORE:inside - based
        mov     esi, eax
        call    CODE:inside
        dec     ebp
        jnz     1b
        PRINT   "code from a base "
        SHOW    edx
        HEX     ebx
        BLANK
        HEX     esi
        BLANK
        sub     eax, offset based
        SHOW    eax
        xor     ebx, ebx
        mov     ebp, 3
1:      call    CODE_MORE:thunk - based         # the same code, as far as that goes
        dec     ebp
        jnz     1b
        mov     dword ptr [subject], 0x100
        mov     dword ptr [resume], offset far_back - based
        call    CODE_BASED:thunk - based
        PRINT   "beyond "
        SHOW    ebx
        call    CODE_BASED:outside - based
        PRINT   "still on the stack "
        SHOW    ebx
        EXIT

.macro BEYOND insn:vararg                       # RAISES, in the segment with a base
        mov     dword ptr [subject], offset 771f - based
        mov     dword ptr [resume], offset 772f - based
771:    \insn
772:
.endm
        .balign 16
based:  mov     eax, [esp]                      # counts, and tells where it was called from
        inc     edx
        ret
inside: call    based
        retf
thunk:  mov     eax, offset edge - based
        jmp     eax
outside:
        BEYOND  jmp based + 0x100
        mov     eax, 0x100
        BEYOND  jmp eax
        cmp     eax, eax
        BEYOND  je based + 0x100
        BEYOND  call eax
        push    eax
        BEYOND  ret
        pop     ebx
far_back:
        retf
        .org    based + 0xfa
edge:   inc     ebx
        mov     ecx, 8                          # ends where the segment does
        retf

        .balign 8
more:   .skip   gdtend - gdt
        .word   0x1ff, 0x9000, 0x9300, 0x0040   # BASED
        .word   0xff, based, 0x9b00, 0x0040     # CODE_BASED
        .word   0xffff, based, 0x9b00, 0x00cf   # CODE_MORE
        .word   0xffff, 0, 0x9300, 0x008f       # STACK16
moreend:
mored:  .word   moreend - more - 1
        .long   more
