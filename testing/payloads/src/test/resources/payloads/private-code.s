# Each processor calls code of its own on a page that the other has just written, while the other runs elsewhere.
# Every processor begins here in 64-bit code with memory mapped at its own addresses, and
#   EAX  its number        ECX  how many calls
.intel_syntax noprefix
.code64
.set FUNCTIONS, 0x100000                # a page for each processor
.set READY, 0x110000                    # a dword for each
.set DONE, 0x110008
        mov     ebx, eax
        xor     ebx, 1                  # the other
        mov     esi, ebx
        shl     esi, 12
        mov     byte ptr [FUNCTIONS + rsi], 0xc3
        mov     dword ptr [READY + rbx*4], 1
1:      cmp     dword ptr [READY + rax*4], 1
        jne     1b
        mov     edi, eax
        shl     edi, 12
        lea     rdi, [rdi + FUNCTIONS]
2:      call    rdi
        dec     ecx
        jnz     2b
        mov     dword ptr [DONE + rbx*4], 1
3:      cmp     dword ptr [DONE + rax*4], 1
        jne     3b
        mov     al, 0
        out     0xf4, al
        hlt
