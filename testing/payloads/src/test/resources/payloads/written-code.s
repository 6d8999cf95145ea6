# One processor writes functions, byte by byte, and calls each at once; then it calls one that counts beside itself.
# It begins here in 64-bit code with memory mapped at its own addresses, and
#   EBP  how many of both
.intel_syntax noprefix
.code64
.set FUNCTIONS, 0x100000                # 64 on a page: MOV EAX, number; RET
.set COUNTING, 0x101000                 # INC DWORD PTR [counter]; RET; counter
.set SUM, 0x110000
.set COUNTED, 0x110004
        mov     edx, ebp
        xor     ebx, ebx
next:   mov     edi, edx
        and     edi, 63
        shl     edi, 6
        add     edi, FUNCTIONS
        mov     r8, rdi
        mov     rsi, 0xc300000000b8     # Its six bytes.
        mov     eax, edx
        shl     rax, 8
        or      rsi, rax
        mov     ecx, 6
1:      mov     [rdi], sil
        shr     rsi, 8
        inc     edi
        dec     ecx
        jnz     1b
        call    r8
        add     ebx, eax
        dec     edx
        jnz     next
        mov     [SUM], ebx
        mov     edi, COUNTING
        mov     dword ptr [rdi], 0x00f905ff
        mov     dword ptr [rdi + 4], 0x00c30000
2:      call    rdi
        dec     ebp
        jnz     2b
        mov     eax, [rdi + 0xff]
        mov     [COUNTED], eax
        mov     al, 0
        out     0xf4, al
        hlt
