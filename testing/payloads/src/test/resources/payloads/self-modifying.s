# Self-modifying code: the next instruction, the instruction's own block, another page, a page written through an alias.
# expect: 0000000000000002
# expect: 0000000000000005
# expect: 0000000000000011
# expect: 0000000000000022
# expect: 0000000000000033
.include "common64.inc"
main:
        mov     byte ptr [1f + 1], 2
1:      mov     eax, 1                          # becomes MOV EAX, 2
        SHOW    rax
        xor     eax, eax
        mov     ecx, 5
        jmp     4f
2:      mov     word ptr [3f], 0x9090
        mov     byte ptr [3f + 2], 0x90
4:      inc     eax
3:      add     eax, 0                          # patched to three NOPs
        loop    2b
        SHOW    rax
        mov     dword ptr [0xa00000], 0x000011b8        # MOV EAX, 11h; RET
        mov     word ptr [0xa00004], 0xc300
        mov     ebx, 0xa00000
        call    rbx
        SHOW    rax
        mov     byte ptr [0xa00001], 0x22
        call    rbx
        SHOW    rax
        mov     dword ptr [PTE + 0xb00 * 8], 0xa00003   # the same page at another address
        invlpg  [0xb00000]
        mov     byte ptr [0xb00001], 0x33
        call    rbx
        SHOW    rax
        EXIT
