# Accesses across two pages that are not neighbours in memory, by 32-bit code, at every distance from the boundary: each is
# compared with the same in one page. At 4 GiB the segment ends.
# expect: different 00000000
# expect: 0D 0000 +00
# expect: 0E 0002 +00 00201000
# expect: untouched 00000000
.include "common32.inc"
.set PD, 0x100000
.set PT, 0x101000
.set LAST_PT, 0x102000
.set SECOND, 0x201000
.set SAME, 0x210400                             # not across anything
.set AROUND, 64                                 # bytes that are looked at on either side
.set MOST, 40                                   # distance from the boundary
.set FOUND, 0x220000
.set RESULTS, 32
gate_entry:
main:
        mov     edi, PT                         # the first 4 MiB at their own addresses
        mov     eax, 3
        mov     ecx, 1024
1:      mov     [edi], eax
        add     eax, 0x1000
        add     edi, 4
        loop    1b
        mov     dword ptr [PT + 0x201 * 4], 0x280003
        mov     dword ptr [LAST_PT + 1023 * 4], 0x290003
        mov     dword ptr [PD], PT + 3
        mov     dword ptr [PD + 1023 * 4], LAST_PT + 3
        mov     eax, PD
        mov     cr3, eax
        mov     eax, 0x200                      # OSFXSR
        mov     cr4, eax
        mov     eax, cr0
        or      eax, 0x80010000                 # PG, WP
        mov     cr0, eax

        mov     dword ptr [different], 0
        mov     ebp, offset operations
2:      mov     dword ptr [distance], MOST
3:      mov     edi, SECOND
        call    fill
        mov     edi, SAME
        call    fill
        mov     esi, SECOND
        mov     edx, FOUND
        call    one
        mov     esi, SAME
        mov     edx, FOUND + RESULTS
        call    one
        mov     esi, FOUND
        mov     edi, FOUND + RESULTS
        mov     ecx, RESULTS / 4
        call    match
        mov     esi, SECOND - AROUND
        mov     edi, SAME - AROUND
        mov     ecx, AROUND / 2
        call    match
        dec     dword ptr [distance]
        jnz     3b
        add     ebp, 4
        cmp     ebp, offset all
        jne     2b
        PRINT   "different "
        SHOW    [different]

        mov     dword ptr [subject], offset load4
        mov     dword ptr [resume], offset 4f
        mov     eax, [0xfffffffc]               # both pages are known
        mov     eax, [0]
        mov     esi, -2
        call    load4
4:      pop     eax
        mov     dword ptr [PT + 0x201 * 4], 0
        invlpg  [SECOND]
        mov     dword ptr [subject], offset store4
        mov     dword ptr [resume], offset 6f
        mov     esi, SECOND - 2
        mov     ebx, [SECOND - 4]
        call    store4
6:      pop     eax
        PRINT   "untouched "
        sub     ebx, [SECOND - 4]
        SHOW    ebx
        EXIT

fill:   sub     edi, AROUND                     # the same for the same distance
        mov     eax, 0x88334411
        mov     ecx, AROUND / 2
1:      ror     eax, 3
        xor     eax, [distance]
        mov     [edi], eax
        add     edi, 4
        dec     ecx
        jnz     1b
        ret

match:  mov     eax, [esi]
        cmp     eax, [edi]
        je      1f
        inc     dword ptr [different]
1:      add     esi, 4
        add     edi, 4
        dec     ecx
        jnz     match
        ret

one:    sub     esi, [distance]                 # one operation, its results to EDX
        push    esi
        push    edx
        mov     edi, esi
        mov     eax, 0x11223344
        mov     edx, 0x55667788
        mov     ecx, 5
        movd    xmm0, eax
        pshufd  xmm0, xmm0, 0x1b
        stc
        call    [ebp]
        mov     ecx, edx
        pop     edx
        mov     [edx], eax
        mov     [edx + 4], ecx
        setc    [edx + 8]
        movups  [edx + 16], xmm0
        pop     eax
        sub     esi, eax
        sub     edi, eax
        mov     [edx + 9], si
        mov     [edx + 11], di
        ret

        .balign 4
different: .long 0
distance: .long 0
operations:
        .long   load2, load4, load16, store2, store4, store16, add_carry, subtract_from, shift, exchange_add, call_near
        .long   push4, push_all, pop_all, move_string, store_string, narrow
all:
load2:          movzx   eax, word ptr [esi]
                ret
load4:          mov     eax, [esi]
                ret
load16:         movdqu  xmm0, [esi]
                ret
store2:         mov     [esi], ax
                ret
store4:         mov     [esi], eax
                ret
store16:        movdqu  [esi], xmm0
                ret
add_carry:      adc     [esi], eax
                ret
subtract_from:  sub     eax, [esi]
                ret
shift:          shl     word ptr [esi], cl
                clc
                ret
exchange_add:   xadd    [esi], eax
                ret
call_near:      mov     ecx, esp
                lea     esp, [esi + 4]
                call    1f
1:              mov     esp, ecx
                ret
push4:          mov     ecx, esp
                lea     esp, [esi + 4]
                push    eax
                mov     esp, ecx
                ret
push_all:       mov     ecx, esp
                mov     edx, edi
                mov     edi, 7
                lea     esp, [esi + 32]
                mov     esi, 9
                mov     ebx, esp
                mov     ebx, 8
                push    ebp
                mov     ebp, 6
                pop     ebp
                mov     [FOUND + 0x100], ebp
                mov     ebp, 6
                mov     [FOUND + 0x104], ecx
                mov     [FOUND + 0x108], edx
                mov     ecx, 5
                mov     edx, 4
                mov     [FOUND + 0x10c], esp
                pushad
                mov     ebp, [FOUND + 0x10c]
                mov     dword ptr [ebp - 20], 0 # ESP, which is another
                mov     ebp, [FOUND + 0x100]
                mov     esp, [FOUND + 0x104]
                mov     edi, [FOUND + 0x108]
                mov     esi, edi
                ret
pop_all:        mov     [FOUND + 0x100], ebp
                mov     [FOUND + 0x104], esp
                mov     [FOUND + 0x108], edi
                mov     esp, esi
                popad
                mov     [FOUND + 0x110], edi
                add     eax, [FOUND + 0x110]
                xor     eax, esi
                sub     eax, ebp
                mov     ebp, [FOUND + 0x100]
                mov     esp, [FOUND + 0x104]
                mov     edi, [FOUND + 0x108]
                mov     esi, edi
                add     eax, ebx
                ret
move_string:    sub     esi, 3
                movsd
                ret
store_string:   stosw
                ret
narrow:         mov     ecx, esi                # by 16-bit addresses, which stay below both: nothing but the prefix is tried
                mov     esi, 0x7c00
                add     eax, [si]
                mov     esi, ecx
                ret
