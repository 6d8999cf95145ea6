# One processor executes what the other changes (SDM vol. 3A, section 9.1.3): each new value has to arrive.
# Every processor begins here in 64-bit code with memory mapped at its own addresses, and
#   EAX  its number        ECX  how many values
.intel_syntax noprefix
.code64
.set FUNCTION, 0x100000                 # MOV EAX, value; RET, the value aligned
.set VALUE, FUNCTION + 8
.set SEEN, 0x110000
        test    eax, eax
        jz      change
execute:
        cmp     dword ptr [SEEN + 8], 1
        jne     execute                 # until there is a function
1:      call    FUNCTION + 7
        mov     [SEEN], eax
        cmp     eax, ecx
        jne     1b
        jmp     done
change: mov     byte ptr [FUNCTION + 7], 0xb8
        mov     dword ptr [VALUE], 0
        mov     byte ptr [FUNCTION + 12], 0xc3
        mov     dword ptr [SEEN + 8], 1
        mov     edx, 0
2:      inc     edx
        mov     [VALUE], edx
3:      cmp     [SEEN], edx
        jne     3b
        cmp     edx, ecx
        jne     2b
done:   mov     al, 0
        out     0xf4, al
        hlt
