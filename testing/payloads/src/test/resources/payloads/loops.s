# Loops that go over memory, whose accesses are checked for many turns at once: in steps of all sizes, both ways, over pages that
# lie in memory in reverse order; aligned and not; into a page that is missing, read-only or has the loop itself.
# expect: strides 9D4376783D27D5E8
# expect: indexed 2009CB0A7A7A14E0
# expect: carries B46D1B46D090DED0
# expect: aligned 0000000501FFC000
# expect: 0D 0000 +00
# expect: aligned 0000000501FFC000
# expect: 0E 0002 +00 00A05000
# expect: missing 0000000000A05000
# expect: 0000000000000303
# expect: 0E 0003 +00 00A05000
# expect: read-only 0000000000A05000
# expect: 0000000000000303
# expect: own code 0000000000000323
# expect: by another address 0000000000000323
.include "common64.inc"
.set FIRST, 0xa00000
.set LAST, 0xa20000
.set CODEPAGE, 0xb00000
.set ALIAS, 0xc00000
.set COPY, 0xb80000
.macro SUMS stride, from, count                 # into RBP
        mov     esi, \from
        mov     ecx, \count
        xor     ebx, ebx
779:    add     rbx, [rsi]
        add     rsi, \stride
        sub     ecx, 1
        jne     779b
        rol     rbp, 7
        add     rbp, rbx
.endm
.macro NUMBERS                                  # each quadword is its own address
        mov     edi, FIRST
779:    mov     [rdi], rdi
        add     rdi, 8
        cmp     rdi, LAST
        jne     779b
.endm
main:
        mov     edi, PTE + (FIRST >> 9)
        mov     eax, 0xd1f003
        mov     ecx, 32
1:      mov     [rdi], eax
        add     edi, 8
        sub     eax, 0x1000
        dec     ecx
        jnz     1b
        mov     dword ptr [PTE + (ALIAS >> 9)], CODEPAGE + 3
        mov     rax, cr3
        mov     cr3, rax

        NUMBERS
        xor     ebp, ebp
        SUMS    1, FIRST, 9000
        SUMS    2, FIRST+3, 9000
        SUMS    4, FIRST+1, 9000
        SUMS    8, FIRST, 9000
        SUMS    8, FIRST+5, 9000
        SUMS    12, FIRST+4, 9000
        SUMS    24, FIRST+16, 5000
        SUMS    100, FIRST, 1300
        SUMS    1000, FIRST, 131
        SUMS    -8, LAST-8, 9000
        SUMS    -8, LAST-13, 9000
        SUMS    -1, LAST-8, 9000
        SUMS    -96, LAST-8, 1300
        PRINT   "strides "
        SHOW    rbp

        mov     ebx, FIRST + 16                 # an index, two arrays, one of which is changed
        mov     edx, FIRST + 0x10002
        xor     ecx, ecx
2:      mov     rax, [rbx + rcx * 8 - 8]
        add     [rdx + rcx * 4 + 4], eax
        add     rcx, 1
        cmp     rcx, 8000
        jne     2b
        xor     ebp, ebp
        SUMS    8, FIRST+0x10000, 4000
        PRINT   "indexed "
        SHOW    rbp

        mov     esi, FIRST                      # a carry from turn to turn; the flags of LEA and DEC
        mov     edi, FIRST + 0x10000
        mov     ecx, 8000
        xor     ebx, ebx
3:      mov     rax, [rdi]
        adc     rax, [rsi]
        mov     [rdi], rax
        adc     rbx, 0x1234567
        rol     rbx, 9
        adc     rbx, rbx
        lea     rsi, [rsi + 8]
        lea     rdi, [rdi + 8]
        dec     ecx
        jnz     3b
        PRINT   "carries "
        SHOW    rbx

        NUMBERS
        mov     dword ptr [subject], offset 4f
        mov     dword ptr [resume], offset 5f
        xor     ebp, ebp
        mov     esi, FIRST
        pxor    xmm1, xmm1
4:      movdqa  xmm0, [rsi]
        paddq   xmm1, [rsi + 16]
        paddq   xmm1, xmm0
        movaps  [rsi], xmm1
        add     rsi, 32
        cmp     rsi, rbp
        jb      4b
        test    ebp, ebp
        jnz     5f
        mov     ebp, FIRST + 0x8000
        jmp     4b
5:      movq    rax, xmm1
        PRINT   "aligned "
        SHOW    rax
        test    ebp, 8
        jnz     6f
        mov     esi, FIRST + 8                  # the same code at addresses that are not
        mov     ebp, FIRST + 0x8008
        jmp     4b
6:
        mov     dword ptr [subject], offset 7f
        mov     dword ptr [resume], offset 8f
        mov     dword ptr [PTE + (FIRST >> 9) + 5 * 8], 0
        invlpg  [FIRST + 0x5000]
        call    stores
        mov     dword ptr [PTE + (FIRST >> 9) + 5 * 8], 0xd1a001
        invlpg  [FIRST + 0x5000]
        mov     dword ptr [resume], offset 9f
        call    stores
8:      pop     rcx
        PRINT   "missing "
        SHOW    rdi
        SHOW    rax
        jmp     rcx
9:      pop     rcx
        PRINT   "read-only "
        SHOW    rdi
        SHOW    rax

        mov     edi, CODEPAGE                   # a loop that its own stores change
        call    changes
        PRINT   "own code "
        SHOW    rbx
        mov     edi, ALIAS
        call    changes
        PRINT   "by another address "
        SHOW    rbx
        EXIT

stores: mov     edi, FIRST + 0x3ff0
        xor     eax, eax
7:      add     [rdi], rax
        add     rdi, 16
        add     eax, 3
        cmp     rdi, LAST
        jne     7b
        ret

changes:
        mov     ecx, offset copier_end - copier
        mov     esi, offset copier
        mov     edx, CODEPAGE + 0x100
        mov     ebx, COPY + 0x100
1:      mov     al, [rsi]
        mov     [rdx], al
        mov     [rbx], al
        inc     esi
        inc     edx
        inc     ebx
        dec     ecx
        jnz     1b
        mov     byte ptr [COPY + 0x100 + added - copier], 3
        lea     ecx, [edi + 0x100 + copier_end - copier]
        sub     edi, 0x200
        mov     esi, COPY - 0x200
        xor     ebx, ebx
        mov     edx, CODEPAGE + 0x100
        jmp     rdx
copier: mov     al, [rsi]                       # copies itself over itself, but for one byte
        mov     [rdi], al
        add     rsi, 1
        add     rdi, 1
        .byte   0x83, 0xc3                      # ADD EBX, 1
added:  .byte   1
        cmp     rdi, rcx
        jne     copier
        ret
copier_end:
