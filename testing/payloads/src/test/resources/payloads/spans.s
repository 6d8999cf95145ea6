# Accesses close to each other, which are checked together: on one page, across two, with the second one missing or read-only,
# on a page with code; pushes and pops likewise.
# expect: one page 000000000000034D
# expect: across 0000000000000138
# expect: 0E 0002 +00 00A01000
# expect: missing 0000000000000003
# expect: 0E 0003 +00 00A01000
# expect: read-only 0000000000000003
# expect: there again 000000000000000D
# expect: pushed 0000000000000600
# expect: stepped 0000000000000100
# expect: code 0000000000000020
.include "common64.inc"
.set SECOND, 0xa01000
.macro SUM from, count                          # of what CHAIN computes at COUNT places, 8 bytes from each other, three times
        xor     ebx, ebx
        mov     ecx, 3
778:    mov     esi, \from
        mov     edx, \count
779:    call    chain
        add     rbx, rax
        add     esi, 8
        dec     edx
        jnz     779b
        dec     ecx
        jnz     778b
.endm
main:
        SUM     0xa00100, 21                    # 3 times 21 times 13 and 26 more
        add     rbx, 26
        PRINT   "one page "
        SHOW    rbx
        SUM     SECOND-32, 8
        PRINT   "across "
        SHOW    rbx
        mov     dword ptr [subject], offset second
        mov     dword ptr [resume], offset 1f
        PAGE    SECOND, 0
        mov     esi, SECOND - 16
        call    chain
1:      pop     rbx
        PRINT   "missing "
        SHOW    rax
        mov     dword ptr [resume], offset 2f
        PAGE    SECOND, 1
        mov     rax, cr0
        or      eax, 0x10000                    # WP
        mov     cr0, rax
        mov     esi, SECOND - 16
        call    chain
2:      pop     rbx
        PRINT   "read-only "
        SHOW    rax
        PAGE    SECOND, 3
        mov     esi, SECOND - 16
        call    chain
        PRINT   "there again "
        SHOW    rax

        mov     rdi, rsp
        mov     edx, 0x100
        xor     ebx, ebx
3:      mov     ecx, edx
        and     ecx, 0x38
        mov     esp, SECOND
        add     rsp, rcx
        call    pushes
        add     rbx, rax
        dec     edx
        jnz     3b
        mov     rsp, rdi
        PRINT   "pushed "
        SHOW    rbx
        mov     dword ptr [PTE + 0xa04 * 8], 0xc00003   # a stack that is not where its address says
        invlpg  [0xa04000]
        mov     edx, 0x100
        xor     ebx, ebx
7:      mov     esi, SECOND + 0x1000
        invlpg  [rsi]                           # the interpreter executes PUSH from there, and what it would check
        mov     esp, 0xa04800
        mov     eax, edx
        jmp     8f
8:      push    qword ptr [rsi]
        push    rax
        jmp     9f
9:      mov     rbp, rsp
        cmp     [rbp], rax
        jne     10f
        inc     rbx
10:     dec     edx
        jnz     7b
        mov     rsp, rdi
        PRINT   "stepped "
        SHOW    rbx

        mov     rax, 0xc300000000b8              # MOV EAX, 0; RET, whose operand the loop changes
        mov     [0xb00000], rax
        mov     edx, 0x20
        mov     edi, 0xb00000
        xor     eax, eax
5:      inc     eax
        mov     [rdi + 1], eax
        mov     [rdi + 16], rax
        call    rdi
        dec     edx
        jnz     5b
        PRINT   "code "
        SHOW    rax
        EXIT

chain:  mov     rax, 1                          # gives 13, by way of memory
        mov     [rsi], rax
        inc     rax
        mov     [rsi + 8], rax
        add     rax, [rsi]
second: mov     [rsi + 16], rax
        add     rsi, 8
        mov     qword ptr [rsi + 16], 10
        add     rax, [rsi + 16]
        sub     rsi, 8
        mov     [rsi + 24], rax
        cmp     rax, [rsi + 24]
        mov     rbp, [rsi + 16]
        je      6f
        add     rax, rbp
6:      ret
pushes: mov     eax, 1                          # gives 6
        push    rax
        inc     eax
        push    rax
        inc     eax
        push    rax
        pop     rbp
        pop     rax
        add     rbp, rax
        pop     rax
        add     rax, rbp
        ret
