# Every exception in 32-bit protected mode with its error code (SDM vol. 3A, 6.15).
# expect: 00 0000 +00
# expect: 03 0000 +01
# expect: 04 0000 +01
# expect: 05 0000 +00
# expect: 06 0000 +00
# expect: 07 0000 +00
# expect: 0B 0058 +00
# expect: 0D 0100 +00
# expect: 0D 0000 +00
# expect: 0D 0000 +00
# expect: 0D 0000 +00
# expect: 0D 0000 +00
# expect: 0D 0070 +00
# expect: 0C 0080 +00
# expect: 0C 0000 +00
# expect: 0D 0402 +00
# expect: 10 0000 +00
# expect: 01 0000 +01
# expect: 01 0000 +05
# expect: 0D 0000 +00
# expect: 0D 0000 +00
# expect: 0D 0000 +00
# expect: 11 0000 +00
# expect: 06 0000 +00
.include "common32.inc"
gate_entry:
main:
        xor     bl, bl
        RAISES  div bl
        RAISES  int3
        mov     al, 0x7f
        add     al, 1
        RAISES  into
        mov     eax, 9
        RAISES  bound eax, [range]
        RAISES  ud2
        mov     eax, cr0
        or      eax, 8
        mov     cr0, eax
        RAISES  fldz
        clts
        mov     ax, NOT_PRESENT
        RAISES  mov ds, ax
        mov     ax, BEYOND
        RAISES  mov ds, ax
        xor     eax, eax
        mov     fs, ax                  # null: loads, but can't be used
        RAISES  mov al, fs:[0]
        mov     ax, SMALL
        mov     fs, ax
        RAISES  mov eax, fs:[0xfd]
        mov     ax, DOWN
        mov     fs, ax
        RAISES  mov eax, fs:[0xffc]
        mov     eax, fs:[0x1000]
        mov     ax, READ_ONLY
        mov     fs, ax
        RAISES  mov fs:[0], eax
        mov     ax, READ_ONLY
        RAISES  mov ss, ax
        mov     ax, STACK_NOT_PRESENT
        RAISES  mov ss, ax
        mov     ax, SMALL               # a small stack segment, and an access past its limit
        mov     bx, ss
        mov     dword ptr [subject], offset 1f
        mov     dword ptr [resume], offset 2f
        mov     ecx, esp
        mov     ss, ax
        mov     esp, 0x100
1:      mov     eax, [esp + 0x100]
2:
        RAISES  int 0x80                # past the IDT's limit
        fninit
        push    0x37b                   # ZE unmasked
        fldcw   [esp]
        pop     eax
        mov     eax, cr0
        or      eax, 0x20               # NE
        mov     cr0, eax
        fld1
        fldz
        fdivp
        RAISES  fwait
        fninit
        RAISES  .byte 0xf1              # INT1
        pushfd
        or      dword ptr [esp], 0x100
        mov     dword ptr [subject], offset 3f
        mov     dword ptr [resume], offset 4f
        popfd
3:      mov     ebx, 0x1234
4:      mov     eax, cr0
        or      eax, 0x40000            # AM
        mov     cr0, eax
        TO_USER
        RAISES  hlt
        RAISES  mov eax, cr0
        RAISES  in al, 0x21
        pushfd
        or      dword ptr [esp], 0x40000        # AC
        popfd
        RAISES  mov eax, [range + 1]
        pushfd
        and     dword ptr [esp], 0xfffbffff
        popfd
        RAISES  ud2
        EXIT
        .balign 4
range:  .long   0, 8, 0
