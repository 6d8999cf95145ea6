# What two or four processors see of each other's memory accesses (SDM vol. 3A, section 9.2.3.x), and locked instructions.
# Every processor begins here in 64-bit code with memory mapped at its own addresses, and
#   EAX  its number        EDX  how many processors there are      EBX  which test, an index into "tests"
#   ECX  rounds            EBP  processors wait for each other before iterations whose number has none of these bits
# A round of an order test is ITERATIONS iterations, each on a variable X and a variable Y of its own that are zero before.
# What an iteration read becomes bits of an outcome: bit 0 R0, bit 1 R1, bit 2 R2, bit 3 R3. Processor 0 counts outcomes.
.intel_syntax noprefix
.code64
.set ITERATIONS, 4096
.set X, 0x100000                        # 32 bits an iteration each
.set Y, 0x110000
.set R0, 0x120000
.set R1, 0x130000
.set R2, 0x140000
.set R3, 0x150000
.set OUTCOMES, 0x160000                 # 16 counts of 64 bits
.set COUNTER, 0x170000                  # what the locked instructions count in
.set COUNTER_SPLIT, 0x17003e            # 32 bits across cache lines
.set COUNTER_PAGES, 0x171ffe            # 32 bits across pages
.set LOCK, 0x174000
.set TORN, 0x174040                     # values that nobody ever wrote
.set POSITIONS, 0x175000                # 64 bytes a processor: its iteration
.set ARRIVED, 0x176000

        jmp     begin
        .balign 8
in_code: .long  0                       # counted in a page that holds code
begin:  mov     r15d, eax               # number
        mov     r14d, edx               # processors
        mov     r13d, ecx               # rounds
        mov     r12d, ebp               # mask
        xor     r11d, r11d              # arrivals that the next barrier waits for
        xor     r10d, r10d              # iterations done, over all rounds
        lea     r9, [rbx * 4]
        add     r9, r15
        movzx   r9d, word ptr [tests + r9 * 2]  # what this processor does
round:  test    r15d, r15d
        jnz     1f
        mov     edi, X
        mov     ecx, (R3 + 4 * ITERATIONS - X) / 8
        xor     eax, eax
        cld
        rep stosq
1:      call    barrier
        call    r9
        call    barrier
        test    r15d, r15d
        jnz     2f
        call    count
2:      dec     r13d
        jnz     round
        call    barrier
        mov     al, 0
        out     0xf4, al
        hlt

# Waits until every processor was here as often as this one.
barrier:
        add     r11d, r14d
        lock inc dword ptr [ARRIVED]
1:      mov     eax, [ARRIVED]
        sub     eax, r11d
        jns     2f
        pause
        jmp     1b
2:      ret

# Tells the other processor of the pair that this iteration is about to begin, and waits for it to say the same.
meet:   test    r10d, r12d
        jnz     2f
        mov     eax, r15d
        shl     eax, 6
        mov     [POSITIONS + rax], r10d
        xor     eax, 64
1:      mov     ecx, [POSITIONS + rax]
        sub     ecx, r10d
        jns     2f
        pause
        jmp     1b
2:      ret

count:  xor     esi, esi
1:      mov     eax, [R3 + rsi * 4]
        add     eax, eax
        or      eax, [R2 + rsi * 4]
        add     eax, eax
        or      eax, [R1 + rsi * 4]
        add     eax, eax
        or      eax, [R0 + rsi * 4]
        inc     qword ptr [OUTCOMES + rax * 8]
        inc     esi
        cmp     esi, ITERATIONS
        jb      1b
        ret

.macro EACH a, b, c, d                  # these instructions for each iteration, which is RSI
        xor     esi, esi
771:    inc     r10d
        call    meet
        \a
        \b
        \c
        \d
        inc     esi
        cmp     esi, ITERATIONS
        jb      771b
        ret
.endm

.macro TIMES a, b, c                    # these instructions as often as a round has iterations
        mov     esi, ITERATIONS
771:    \a
        \b
        \c
        dec     esi
        jnz     771b
        ret
.endm

nothing: ret

write_x:        EACH "mov dword ptr [X + rsi * 4], 1"
write_y:        EACH "mov dword ptr [Y + rsi * 4], 1"
write_x_y:      EACH "mov dword ptr [X + rsi * 4], 1", "mov dword ptr [Y + rsi * 4], 1"
write_x_read_y: EACH "mov dword ptr [X + rsi * 4], 1", "mov eax, [Y + rsi * 4]", "mov [R0 + rsi * 4], eax"
write_y_read_x: EACH "mov dword ptr [Y + rsi * 4], 1", "mov eax, [X + rsi * 4]", "mov [R1 + rsi * 4], eax"
fence_x_y:      EACH "mov dword ptr [X + rsi * 4], 1", "mfence", "mov eax, [Y + rsi * 4]", "mov [R0 + rsi * 4], eax"
fence_y_x:      EACH "mov dword ptr [Y + rsi * 4], 1", "mfence", "mov eax, [X + rsi * 4]", "mov [R1 + rsi * 4], eax"
xchg_x_y:       EACH "mov eax, 1", "xchg [X + rsi * 4], eax", "mov eax, [Y + rsi * 4]", "mov [R0 + rsi * 4], eax"
xchg_y_x:       EACH "mov eax, 1", "xchg [Y + rsi * 4], eax", "mov eax, [X + rsi * 4]", "mov [R1 + rsi * 4], eax"
lock_x_y:
        EACH "mov dword ptr [X + rsi * 4], 1", "lock or dword ptr [rsp - 8], 0", "mov eax, [Y + rsi * 4]", "mov [R0 + rsi * 4], eax"
lock_y_x:
        EACH "mov dword ptr [Y + rsi * 4], 1", "lock or dword ptr [rsp - 8], 0", "mov eax, [X + rsi * 4]", "mov [R1 + rsi * 4], eax"
read_y_x:
        EACH "mov eax, [Y + rsi * 4]", "mov ecx, [X + rsi * 4]", "mov [R0 + rsi * 4], eax", "mov [R1 + rsi * 4], ecx"
read_x_x:
        EACH "mov eax, [X + rsi * 4]", "mov ecx, [X + rsi * 4]", "mov [R0 + rsi * 4], eax", "mov [R1 + rsi * 4], ecx"
read_x_write_y: EACH "mov eax, [X + rsi * 4]", "mov dword ptr [Y + rsi * 4], 1", "mov [R0 + rsi * 4], eax"
read_y_write_x: EACH "mov eax, [Y + rsi * 4]", "mov dword ptr [X + rsi * 4], 1", "mov [R1 + rsi * 4], eax"
read_x_y:
        EACH "mov eax, [X + rsi * 4]", "mov ecx, [Y + rsi * 4]", "mov [R0 + rsi * 4], eax", "mov [R1 + rsi * 4], ecx"
read_y_x_23:
        EACH "mov eax, [Y + rsi * 4]", "mov ecx, [X + rsi * 4]", "mov [R2 + rsi * 4], eax", "mov [R3 + rsi * 4], ecx"
string_x_y:     EACH "mov eax, 1", "lea rdi, [X + rsi * 4]", "stosd", "mov dword ptr [Y + rsi * 4], 1"

count_xadd:     TIMES "mov eax, 1", "lock xadd [COUNTER], rax"
count_inc:      TIMES "lock inc word ptr [COUNTER]", "lock inc qword ptr [COUNTER + 8]"
count_add:      TIMES "lock add byte ptr [COUNTER], 1", "lock sub dword ptr [COUNTER + 8], -1"
count_split:    TIMES "lock inc dword ptr [COUNTER_SPLIT]"
count_pages:    TIMES "lock inc dword ptr [COUNTER_PAGES]"

count_in_code:  TIMES "lock inc dword ptr [in_code]"

count_cmpxchg:  mov     esi, ITERATIONS
1:      mov     rax, [COUNTER]
2:      lea     rcx, [rax + 1]
        lock cmpxchg [COUNTER], rcx
        jnz     2b
        dec     esi
        jnz     1b
        ret

# Both halves count; a value with different halves was never written.
count_cmpxchg8b:
        mov     esi, ITERATIONS
1:      mov     eax, [COUNTER]
        mov     edx, [COUNTER + 4]
2:      lea     ebx, [eax + 1]
        lea     ecx, [edx + 1]
        lock cmpxchg8b [COUNTER]
        jz      3f
        cmp     eax, edx
        je      2b
        lock inc dword ptr [TORN]
        jmp     2b
3:      dec     esi
        jnz     1b
        ret

count_cmpxchg16b:
        mov     esi, ITERATIONS
1:      mov     rax, [COUNTER]
        mov     rdx, [COUNTER + 8]
2:      lea     rbx, [rax + 1]
        lea     rcx, [rdx + 1]
        lock cmpxchg16b [COUNTER]
        jz      3f
        cmp     rax, rdx
        je      2b
        lock inc dword ptr [TORN]
        jmp     2b
3:      dec     esi
        jnz     1b
        ret

# A lock by XCHG around an increment in two instructions, given back by a plain store (SDM vol. 3A, section 9.10.6.1).
count_xchg:
        mov     esi, ITERATIONS
1:      mov     eax, 1
        xchg    [LOCK], eax
        test    eax, eax
        jz      3f
2:      pause
        cmp     dword ptr [LOCK], 0
        jne     2b
        jmp     1b
3:      mov     rax, [COUNTER]
        inc     rax
        mov     [COUNTER], rax
        mov     dword ptr [LOCK], 0
        dec     esi
        jnz     1b
        ret

# The same with a bit: BTS and BTR.
count_bts:
        mov     esi, ITERATIONS
1:      lock bts dword ptr [LOCK], 5
        jnc     3f
2:      pause
        test    dword ptr [LOCK], 0x20
        jnz     2b
        jmp     1b
3:      mov     rax, [COUNTER]
        inc     rax
        mov     [COUNTER], rax
        lock btr dword ptr [LOCK], 5
        dec     esi
        jnz     1b
        ret

# Aligned 64-bit stores of all ones and of zero, by plain moves: a reader sees one or the other (SDM vol. 3A, section 9.1.1).
tear_write:
        TIMES "mov qword ptr [COUNTER], -1", "xor eax, eax", "mov [COUNTER], rax"
tear_read:
        mov     esi, ITERATIONS
1:      mov     rax, [COUNTER]
        lea     rcx, [rax + 1]
        cmp     rcx, 1
        jbe     2f
        lock inc dword ptr [TORN]
2:      dec     esi
        jnz     1b
        ret

        .balign 8
tests:  .word   write_x_read_y, write_y_read_x, nothing, nothing        # 0: store buffering
        .word   fence_x_y, fence_y_x, nothing, nothing                  # 1: with MFENCE
        .word   xchg_x_y, xchg_y_x, nothing, nothing                    # 2: stores by XCHG
        .word   lock_x_y, lock_y_x, nothing, nothing                    # 3: with a locked instruction on something else
        .word   write_x_y, read_y_x, nothing, nothing                   # 4: message passing
        .word   string_x_y, read_y_x, nothing, nothing                  # 5: the data by a string instruction
        .word   read_x_write_y, read_y_write_x, nothing, nothing        # 6: load buffering
        .word   write_x, read_x_x, nothing, nothing                     # 7: coherence
        .word   write_x, write_y, read_x_y, read_y_x_23                 # 8: independent reads of independent writes
        .word   count_xadd, count_xadd, count_xadd, count_xadd          # 9
        .word   count_inc, count_inc, count_inc, count_inc
        .word   count_add, count_add, count_add, count_add
        .word   count_split, count_split, count_split, count_split
        .word   count_pages, count_pages, count_pages, count_pages      # 13
        .word   count_cmpxchg, count_cmpxchg, count_cmpxchg, count_cmpxchg
        .word   count_cmpxchg8b, count_cmpxchg8b, count_cmpxchg8b, count_cmpxchg8b
        .word   count_cmpxchg16b, count_cmpxchg16b, count_cmpxchg16b, count_cmpxchg16b
        .word   count_xchg, count_xchg, count_xchg, count_xchg          # 17
        .word   count_bts, count_bts, count_bts, count_bts
        .word   tear_write, tear_read, nothing, nothing                 # 19
        .word   count_in_code, count_in_code, count_in_code, count_in_code
