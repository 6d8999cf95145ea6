# Accesses of every size and kind across two pages that are not neighbours in memory, at every distance from the boundary: each
# is compared with the same in one page. Then with the second page missing, read-only, or with code on one of the two.
# expect: different 0000000000000000
# expect: different 0000000000000000
# expect: fixed 0000000000000028
# expect: relative 0000000000000028
# expect: locked 0000000000000028
# expect: 0E 0000 +00 00A01000
# expect: 0E 0000 +00 00A01000
# expect: 0E 0002 +00 00A01000
# expect: 0E 0002 +00 00A01000
# expect: 0E 0002 +00 00A01000
# expect: 0E 0002 +00 00A01000
# expect: 0E 0000 +00 00A01000
# expect: carried 000000000000000D
# expect: 0E 0003 +00 00A01000
# expect: 0E 0003 +00 00A01000
# expect: 0E 0003 +00 00A01000
# expect: 0E 0003 +00 00A01000
# expect: untouched 0000000000000000
# expect: read A100CCBBAA00A100
# expect: code behind 0000000000000028
# expect: code before 0000000000000028
start:
.include "common64.inc"
.set SECOND, 0xa01000
.set LAST, 0x4000000                            # the page before has the TLB's last entry, this one its first
.set SAME, 0xa08400                             # not across anything
.set AROUND, 64                                 # bytes that are looked at on either side
.set MOST, 40                                   # distance from the boundary
.set FOUND, 0xa0a000
.set RESULTS, 64
.set FLAGS, 0xc5                                # those that are defined: SF, ZF, PF, CF

main:
        mov     dword ptr [PTE + 0xa01 * 8], 0xc80003
        invlpg  [SECOND]
        mov     eax, [0x3000 + 5 * 8]           # 3FFF000h is the last page of the fifth table, 4000000h the first of the sixth
        mov     [0x3000 + 31 * 8], eax
        mov     eax, [0x3000 + 6 * 8]
        mov     [0x3000 + 32 * 8], eax
        fninit
        mov     dword ptr [operations_end], offset avx
        mov     eax, 1
        cpuid
        bt      ecx, 28
        jnc     1f
        mov     dword ptr [operations_end], offset all
        mov     rax, cr4
        or      eax, 0x40000                    # OSXSAVE
        mov     cr4, rax
        xor     ecx, ecx
        xgetbv
        or      eax, 7
        xsetbv
1:      mov     r15d, SECOND
        call    compare
        mov     r15d, LAST
        call    compare
        PRINT   "fixed "
        xor     eax, eax
1:      inc     eax
        mov     [SECOND - 3], rax
        cmp     [SECOND - 3], rax
        jne     2f
        cmp     eax, MOST
        jne     1b
2:      SHOW    rax
        PRINT   "relative "
        xor     eax, eax
1:      inc     eax
        mov     [rip + start + SECOND - 2 - 0x8000], eax
        cmp     [rip + start + SECOND - 2 - 0x8000], eax
        jne     2f
        cmp     eax, MOST
        jne     1b
2:      SHOW    rax
        PRINT   "locked "
        mov     esi, SECOND - 5
        mov     qword ptr [rsi], 0
        mov     ecx, MOST
1:      lock inc qword ptr [rsi]
        dec     ecx
        jnz     1b
        SHOW    [rsi]

        xor     r14d, r14d
        PAGE    SECOND, 0
        mov     r13d, offset load8
        call    attempt
        mov     r13d, offset load16
        call    attempt
        mov     r13d, offset store8
        call    attempt
        mov     r13d, offset store16
        call    attempt
        mov     r13d, offset add8
        call    attempt
        mov     r13d, offset push8
        call    attempt
        mov     qword ptr [SECOND - 12], 5
        mov     dword ptr [subject], offset carries_second
        mov     dword ptr [resume], offset 1f
        mov     eax, 7
        mov     esi, SECOND - 12
        mov     edi, SECOND - 12
        stc
        call    carries
1:      pop     rbx
        PRINT   "carried "
        SHOW    rax
        PAGE    SECOND, 1
        mov     r13d, offset store8
        call    attempt
        mov     r13d, offset store16
        call    attempt
        mov     r13d, offset add8
        call    attempt
        mov     r13d, offset push8
        call    attempt
        PRINT   "untouched "
        SHOW    r14
        mov     r13d, offset load8              # which is allowed
        mov     dword ptr [PTE + 0xa01 * 8], 0xc80003
        invlpg  [SECOND]
        mov     rax, 0xa100ccbbaa00a100
        mov     [SECOND], rax
        mov     [SECOND - 8], rax
        mov     dword ptr [PTE + 0xa01 * 8], 0xc80001
        invlpg  [SECOND]
        mov     esi, SECOND - 4
        call    r13
        mov     dword ptr [PTE + 0xa01 * 8], 0xc80003
        invlpg  [SECOND]
        mov     esi, SECOND
        PRINT   "read "
        SHOW    [rsi]

        PRINT   "code behind "
        mov     byte ptr [SECOND + 5], 0xc3
        xor     ebx, ebx
1:      inc     ebx
        mov     eax, ebx
        shl     rax, 32
        mov     edx, 0xb8112233                 # MOV EAX, imm32 at the boundary
        or      rax, rdx
        mov     esi, SECOND - 3
        call    store8
        mov     ecx, SECOND
        call    rcx
        cmp     eax, ebx
        jne     2f
        cmp     ebx, MOST
        jne     1b
2:      SHOW    rax
        PRINT   "code before "
        mov     byte ptr [SECOND - 6], 0xb8
        xor     ebx, ebx
1:      inc     ebx
        mov     rax, 0x1122c300000000           # and before it
        or      rax, rbx
        mov     esi, SECOND - 5
        call    store8
        mov     ecx, SECOND - 6
        call    rcx
        cmp     eax, ebx
        jne     2f
        cmp     ebx, MOST
        jne     1b
2:      SHOW    rax
        EXIT

attempt:                                        # executes what R13 points at across the boundary, which raises an exception
        mov     rdx, [SECOND - 8]
        mov     [subject], r13d
        mov     dword ptr [resume], offset 1f
        mov     esi, SECOND - 3
        mov     rbx, rsp
        cmp     r13d, offset push8
        jne     2f
        add     dword ptr [subject], push8_access - push8
2:      call    r13
1:      mov     rsp, rbx
        cmp     r13d, offset push8              # whose stack has the exception's frame there
        je      3f
        cmp     rdx, [SECOND - 8]
        je      3f
        inc     r14
3:      ret

compare:                                        # at the boundary R15
        xor     r14d, r14d
        mov     ebp, offset operations
1:      mov     r13d, [rbp]
        mov     r12d, MOST
2:      mov     rdi, r15
        call    fill
        mov     edi, SAME
        call    fill
        mov     rsi, r15
        mov     edi, FOUND
        call    one
        mov     esi, SAME
        mov     edi, FOUND + RESULTS
        call    one
        mov     esi, FOUND
        mov     edi, FOUND + RESULTS
        mov     ecx, RESULTS / 8
        call    match
        lea     rsi, [r15 - AROUND]
        mov     edi, SAME - AROUND
        mov     ecx, AROUND / 4
        call    match
        dec     r12d
        jnz     2b
        add     ebp, 4
        cmp     ebp, [operations_end]
        jne     1b
        PRINT   "different "
        SHOW    r14
        ret

fill:   sub     rdi, AROUND                     # the same for the same distance
        mov     rax, 0x8877665544332211
        mov     ecx, AROUND / 4
1:      ror     rax, 3
        xor     rax, r12
        mov     [rdi], rax
        add     rdi, 8
        dec     ecx
        jnz     1b
        ret

match:  mov     rax, [rsi]
        cmp     rax, [rdi]
        je      1f
        inc     r14
1:      add     rsi, 8
        add     rdi, 8
        dec     ecx
        jnz     match
        ret

one:    sub     rsi, r12                        # one operation, its results to RDI
        push    rsi
        push    rdi
        mov     rdi, rsi
        mov     rax, 0x1122334455667788
        mov     rdx, 0x99aabbccddeeff00
        movq    xmm0, rax
        movq    xmm1, rdx
        punpcklqdq xmm0, xmm1
        mov     ecx, 5
        stc
        call    r13
        mov     rcx, rdi
        pop     rdi
        mov     [rdi], rax
        mov     [rdi + 8], rdx
        mov     eax, 0
        pushfq
        pop     rax
        and     eax, FLAGS
        mov     [rdi + 16], rax
        movups  [rdi + 32], xmm0
        pop     rax
        sub     rsi, rax
        sub     rcx, rax
        mov     [rdi + 24], rsi
        mov     [rdi + 48], rcx
        ret

        .balign 4
operations_end: .long 0
operations:
        .long   load2, load4, load8, load16, load_signed, load_high, add_from, compare_with, test_with, imul_from, mul_by
        .long   load_double, convert, move_on, load_reversed, load10, load_integer
        .long   store2, store4, store8, store16, store_immediate, store_low, store_high_half, store_double, store_reversed, store10
        .long   add2, add4, add8, add_carry, subtract_borrow, increment, negate, invert, shift, rotate, rotate_carry, double_shift
        .long   set_bit, test_bit, exchange_add, compare_exchange, compare_exchange_pair, exchange
        .long   push8, push_immediate, push_flags, push_memory, pop8, pop_memory, call_near, return
        .long   move_string, store_string, load_string, scan_string, compare_strings, several, move_many
        .long   carries, carries_of_one
avx:    .long   load32, store32, masked
all:

load2:          movzx   eax, word ptr [rsi]
                ret
load4:          mov     eax, [rsi]
                ret
load8:          mov     rax, [rsi]
                ret
load16:         movdqu  xmm0, [rsi]
                ret
load_signed:    movsxd  rax, dword ptr [rsi]
                ret
load_high:      mov     r9, [rsi]               # a register that is kept in memory
                mov     rax, r9
                ret
add_from:       adc     rax, [rsi]
                ret
compare_with:   cmp     [rsi], eax
                ret
test_with:      test    [rsi], dx
                ret
imul_from:      imul    rax, [rsi], 7
                mov     edx, 0
                cmp     eax, edx
                ret
mul_by:         mul     qword ptr [rsi]
                cmp     rax, rdx
                ret
load_double:    movsd   xmm0, [rsi]
                ret
convert:        cvtdq2pd xmm0, qword ptr [rsi]
                ret
move_on:        movlps  xmm0, [rsi]
                movhps  xmm0, [rsi + 3]
                ret
load_reversed:  movbe   rax, [rsi]
                ret
load10:         fld     tbyte ptr [rsi]
                fstp    tbyte ptr [FOUND + 0x800]
                mov     rax, [FOUND + 0x800]
                movzx   edx, word ptr [FOUND + 0x808]
                ret
load_integer:   fild    dword ptr [rsi]
                fistp   qword ptr [FOUND + 0x800]
                mov     rax, [FOUND + 0x800]
                ret
store2:         mov     [rsi], ax
                ret
store4:         mov     [rsi], eax
                ret
store8:         mov     [rsi], rax
                ret
store16:        movdqu  [rsi], xmm0
                ret
store_immediate: mov    qword ptr [rsi], 0x12345678
                ret
store_low:      movd    [rsi], xmm0
                ret
store_high_half: movhps [rsi], xmm0
                ret
store_double:   movsd   [rsi], xmm0
                ret
store_reversed: movbe   [rsi], eax
                ret
store10:        fld1
                fstp    tbyte ptr [rsi]
                ret
add2:           add     [rsi], ax
                ret
add4:           add     [rsi], eax
                ret
add8:           add     [rsi], rax
                ret
add_carry:      adc     [rsi], rax
                ret
subtract_borrow: sbb    dword ptr [rsi], 0x1234
                ret
increment:      inc     word ptr [rsi]
                ret
negate:         neg     qword ptr [rsi]
                ret
invert:         not     dword ptr [rsi]
                ret
shift:          shl     dword ptr [rsi], cl
                ret
rotate:         ror     word ptr [rsi], 3
                ret
rotate_carry:   rcl     qword ptr [rsi], 1
                ret
double_shift:   shld    [rsi], rax, 12
                ret
set_bit:        bts     dword ptr [rsi], 17
                mov     edx, 0
                adc     edx, 0
                ret
test_bit:       bts     dword ptr [rsi], ecx    # by register: may be further on
                mov     edx, 0
                adc     edx, 0
                ret
exchange_add:   xadd    [rsi], eax
                ret
compare_exchange: cmpxchg [rsi], edx
                mov     rax, [rsi]
                cmpxchg [rsi], rdx
                ret
compare_exchange_pair: mov ebx, 5
                cmpxchg8b [rsi]
                cmpxchg8b [rsi]
                ret
exchange:       xchg    [rsi], rax
                ret
push8:          mov     rcx, rsp
                lea     rsp, [rsi + 8]
push8_access:   push    rax
                mov     rsp, rcx
                ret
push_immediate: mov     rcx, rsp
                lea     rsp, [rsi + 8]
                push    0x1234567
                mov     rsp, rcx
                ret
push_flags:     mov     rcx, rsp
                lea     rsp, [rsi + 8]
                pushfq
                mov     rsp, rcx
                and     dword ptr [rsi], FLAGS  # for the same later
                ret
push_memory:    mov     rcx, rsp
                lea     rsp, [rsi + 8]
                push    qword ptr [rsi - 3]
                mov     rsp, rcx
                ret
pop8:           mov     rcx, rsp
                mov     rsp, rsi
                pop     rdx
                pop     rax
                mov     rsp, rcx
                ret
pop_memory:     mov     rcx, rsp
                mov     rsp, rsi
                pop     qword ptr [rsi + 5]
                mov     rsp, rcx
                ret
call_near:      mov     rcx, rsp
                lea     rsp, [rsi + 8]
                call    1f
1:              mov     rsp, rcx
                ret
return:         mov     rcx, rsp
                mov     edx, offset 1f
                mov     [rsi], rdx
                mov     rsp, rsi
                ret
1:              mov     rsp, rcx
                ret
move_string:    sub     rsi, 3
                movsq
                ret
store_string:   stosd
                ret
load_string:    lodsq
                ret
scan_string:    scasd
                ret
compare_strings: sub    rsi, 2
                cmpsq
                ret
several:        mov     rax, [rsi]
                mov     [rsi + 3], rax
                add     rdx, [rsi + 6]
                add     [rsi + 1], edx
                ret
move_many:      mov     ecx, 6                  # in a loop, across as soon as it likes
1:              mov     rax, [rsi - 8]
                add     [rsi], rax
                inc     rsi
                dec     ecx
                jnz     1b
                ret
carries:        lea     rbx, [rsi - 16]         # all of them are checked in front
                mov     ecx, 1
                adc     rax, [rsi]
carries_second: adc     rdx, [rdi + 9]
                mov     [rbx], rax
                sbb     rax, [rbx + rcx*8]
                lea     rbx, [rbx + 8]
                adc     [rbx + 13], rdx
                adc     rdx, [rsi + rcx*2 + 5]
                adc     eax, [rdi - 7]
                ret
carries_of_one: adc     rax, [rsi]              # of which one is known in time
                mov     rbx, rsi
                adc     rax, [rbx]
                adc     [rdi - 5], rax
                sbb     rdx, 3
                mov     rbx, rdi
                sbb     [rbx + 1], rdx
                ret
load32:         vmovdqu ymm0, [rsi]
                vextracti128 xmm1, ymm0, 1
                vpaddq  xmm0, xmm0, xmm1
                ret
store32:        vinserti128 ymm0, ymm0, xmm0, 1
                vmovdqu [rsi], ymm0
                ret
masked:         vpmaskmovd [rsi], xmm0, xmm0
                ret
