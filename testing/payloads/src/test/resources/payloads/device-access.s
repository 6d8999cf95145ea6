# Instructions with several device accesses do each exactly once, in order: read-modify-write, MOVS, string I/O, splits.
# expect: mmio d0000000=3344556677889900
# expect: mmio d0000000=3344556677889901
# expect: 3344556677889901
# expect: mmio d0000008=3344556677889901
# expect: 0000000012345678
# expect: ABCmmio d0000010=5678
# expect: 0000000000000000
.include "common64.inc"
main:
        mov     dword ptr [PTE + 0xd00 * 8], 0xd0000003
        invlpg  [0xd00000]
        mov     rax, 0x3344556677889900
        mov     [0xd00000], rax
        inc     qword ptr [0xd00000]
        mov     rax, [0xd00000]
        SHOW    rax
        mov     esi, 0xd00000
        mov     edi, 0xd00008
        movsq
        mov     dx, 0x300
        in      eax, dx
        SHOW    rax
        mov     esi, offset text
        mov     ecx, 3
        mov     dx, 0xe9
        rep outsb
        mov     edi, 0xd00010
        mov     dx, 0x300
        mov     ecx, 1
        rep insw
        SHOW    rcx
        EXIT
text:   .ascii  "ABC"
