# Instructions and accesses that cross pages, and what happens when the second page is missing (restartability).
# expect: 0000000011223344
# expect: 8877665544332211
# expect: 0E 0000 +00 00A01000
# expect: 0E 0002 +00 00A01000
# expect: 0000000000000000
# expect: 0E 0010 +00 00A01000
# expect: 0000000099887766
# expect: 0E 0002 +00 00A01000
# expect: 0000000000000005
# expect: 0000000000A01000
# expect: 0000000000000000
# expect: 0000000011223344
.include "common64.inc"
main:
        mov     word ptr [0xa00ffe], 0x44b8     # MOV EAX, 11223344h; RET across the boundary
        mov     word ptr [0xa01000], 0x2233
        mov     word ptr [0xa01002], 0xc311
        mov     ecx, 0xa00ffe
        call    rcx
        SHOW    rax
        mov     rax, 0x8877665544332211
        mov     [0xa00ffd], rax
        mov     rax, [0xa00ffd]
        SHOW    rax
        PAGE    0xa01000, 0
        RAISES  mov rax, [0xa00ffd]
        mov     dword ptr [0xa00ffc], 0
        mov     rbx, -1
        RAISES  mov [0xa00ffc], rbx             # nothing of it may be written
        mov     eax, [0xa00ffc]
        SHOW    rax
        mov     word ptr [0xa00ffe], 0x66b8
        mov     dword ptr [subject], 0xa00ffe
        mov     dword ptr [resume], offset 1f
        mov     ecx, 0xa00ffe
        call    rcx
1:      pop     rax
        mov     rax, cr4
        PAGE    0xa01000, 3
        mov     word ptr [0xa01000], 0x8877
        mov     word ptr [0xa01002], 0xc399
        call    rcx
        SHOW    rax
        PAGE    0xa01000, 0                     # REP MOVSB runs into the missing page
        mov     esi, 0x8000
        mov     edi, 0xa00f05
        mov     ecx, 0x100
        mov     dword ptr [subject], offset 2f
        mov     dword ptr [resume], offset 3f
2:      rep movsb
3:      SHOW    rcx                             # five items are left, and the registers point at the next one
        SHOW    rdi
        PAGE    0xa01000, 3
        rep movsb
        SHOW    rcx
        mov     rax, cr3                        # from pages that no TLB entry is there for, even and odd
        mov     cr3, rax
        mov     word ptr [0xa02fff], 0x1122
        mov     word ptr [0xa03fff], 0x3344
        mov     cr3, rax
        movzx   eax, word ptr [0xa02fff]
        movzx   ecx, word ptr [0xa03fff]
        shl     eax, 16
        or      eax, ecx
        SHOW    rax
        EXIT
