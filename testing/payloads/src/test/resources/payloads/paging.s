# Page protection in long mode: WP, NX, SMEP, SMAP with AC, user bits, accessed and dirty bits, reserved bits (SDM vol. 3A, 4.6).
# expect: 0E 0003 +00 00900000
# expect: 0E 0011 +00 00901000
# expect: 0E 0009 +00 00902000
# expect: A/D 0000000000000003
# expect: A/D 0000000000000023
# expect: A/D 0000000000000063
# expect: 0E 0001 +00 00904000
# expect: 0E 0003 +00 00904000
# expect: with AC 0000000000000000
# expect: 0E 0011 +00 00904000
# expect: 0E 0007 +00 00905000
# expect: 0E 0005 +00 00906000
# expect: 0E 0015 +00 00906000
.include "common64.inc"
.macro ACCESSED_DIRTY
        PRINT   "A/D "
        mov     eax, [PTE + 0x903 * 8]
        and     eax, 0x63
        SHOW    rax
.endm
main:
        PAGE    0x900000, 1
        RAISES  mov [0x900000], al              # WP: the supervisor may not write
        mov     rax, cr0
        and     eax, 0xfffeffff
        mov     cr0, rax
        mov     [0x900000], al                  # without WP it may
        or      eax, 0x10000
        mov     cr0, rax
        PAGE    0x901000, 3, 0x80000000
        mov     byte ptr [0x901000], 0xc3
        mov     eax, 0x901000
        mov     dword ptr [subject], 0x901000
        mov     dword ptr [resume], offset 1f
        jmp     rax                             # NX
1:      PAGE    0x902000, 3, 0x00080000         # address bit 51: reserved
        RAISES  mov al, [0x902000]
        PAGE    0x903000, 3
        ACCESSED_DIRTY
        mov     al, [0x903000]
        ACCESSED_DIRTY
        mov     [0x903000], al
        ACCESSED_DIRTY
        PAGE    0x904000, 7
        mov     byte ptr [0x904000], 0xc3
        mov     rax, cr4
        or      eax, 0x300000                   # SMEP, SMAP
        mov     cr4, rax
        RAISES  mov al, [0x904000]
        RAISES  mov [0x904000], al
        stac
        movzx   eax, byte ptr [0x904001]
        clac
        PRINT   "with AC "
        SHOW    rax
        mov     eax, 0x904000
        mov     dword ptr [subject], 0x904000
        mov     dword ptr [resume], offset 2f
        jmp     rax                             # SMEP
2:      mov     rax, cr4
        and     eax, 0xffcfffff
        mov     cr4, rax
        PAGE    0x905000, 5
        PAGE    0x906000, 3
        PAGE    0x6000, 7
        PAGE    0x5000, 7
        PAGE    0x8000, 7
        PAGE    0x9000, 7
        TO_USER
        mov     al, [0x905000]
        RAISES  mov [0x905000], al
        RAISES  mov al, [0x906000]
        mov     eax, 0x906000
        mov     dword ptr [subject], 0x906000
        mov     dword ptr [resume], offset 3f
        jmp     rax
3:      EXIT
