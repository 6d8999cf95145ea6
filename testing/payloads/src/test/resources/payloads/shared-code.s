# One processor executes a function; then the other does; then that changes the function, and executes it again.
# Every processor begins here in 64-bit code with memory mapped at its own addresses, and
#   EAX  its number
.intel_syntax noprefix
.code64
.set FUNCTION, 0x100000
.set ROUNDS, FUNCTION + 3
.set RESULTS, 0x110000                  # 70, 70, 7000
.set TURN, 0x110010
        test    eax, eax
        jnz     second
        lea     rsi, [rip + function]
        mov     edi, FUNCTION
        mov     ecx, 16
        rep movsb
        call    run
        mov     [RESULTS], eax
        mov     dword ptr [TURN], 1
        jmp     done
second: cmp     dword ptr [TURN], 1
        jne     second
        call    run
        mov     [RESULTS + 4], eax
        mov     dword ptr [ROUNDS], 1000
        call    run
        mov     [RESULTS + 8], eax
done:   mov     al, 0
        out     0xf4, al
        hlt
run:    mov     edi, FUNCTION
        jmp     rdi
function:
        xor     eax, eax
        .byte   0xb9                    # MOV ECX, rounds
        .long   10
1:      add     eax, 7
        dec     ecx
        jnz     1b
        ret
