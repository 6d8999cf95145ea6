# Changes of privilege between 64-bit code, each several times so that everything is known: SYSCALL, SYSRET, IRET with all that
# may be wrong with them; what CPL 3 may read after CPL 0 did; STAC and CLAC; counters, bases, control and segment registers.
.include "common64.inc"
.set TABLE, 0x300000                            # another GDT
.set KERNEL_CODE, 0x50
.set KERNEL_DATA, 0x58
.set OUTER_DATA, 0x6b
.set OUTER_CODE, 0x73
.set SECRET, 0x500000
.set OPEN, 0x501000
.set ROUTINE, 0x600000
.set STAR, 0xc0000081
.set LSTAR, 0xc0000082
.set FMASK, 0xc0000084
.set EFER, 0xc0000080
.set TSC, 0x10
.set TSC_AUX, 0xc0000103
.macro MSR number, high, low:vararg
        mov     ecx, \number
        mov     edx, \high
        mov     eax, \low
        wrmsr
.endm
.macro TIMES number, insn:vararg
        mov     r15d, \number
775:    \insn
        dec     r15d
        jnz     775b
.endm
.macro CALL_KERNEL function                     # RCX and R11 are lost
        mov     eax, \function
        syscall
.endm
.macro KERNEL                                   # goes on at CPL 0
        CALL_KERNEL 1
.endm
.macro SYSRETQ
        .byte   0x48, 0x0f, 0x07
.endm
.macro FRAME stack, pointer, flags, code, target:vararg
        push    \stack
        push    \pointer
        push    \flags
        push    \code
        push    \target
.endm
.macro CR4 operation, bits
        mov     rax, cr4
        \operation eax, \bits
        mov     cr4, rax
.endm

# expect: supervisor 0000000000000012 AC 0000000000000006
# expect: 0E 0001 +00 00501000
# expect: 0E 0001 +00 00501000
# expect: 0E 0001 +00 00501000
# expect: off 000000000000000C
.macro WITHOUT byte, bit                         # tries with a bit of the descriptor table cleared, twice
        mov     ebp, 2
777:    call    round_trip
        and     byte ptr [TABLE + \byte], ~\bit & 0xff
        call    try
        or      byte ptr [TABLE + \byte], \bit
        dec     ebp
        jnz     777b
.endm
main:
        mov     esi, offset gdt                 # the GDT, and flat segments for SYSCALL and SYSRET
        mov     edi, TABLE
        mov     ecx, gdtend - gdt
        rep movsb
        mov     esi, offset more
        mov     ecx, moreend - more
        rep movsb
        lgdt    [gdtr2]
        push    KERNEL_CODE
        push    offset 1f
        retfq
1:      xor     eax, eax
        mov     ss, ax
        MSR     STAR, 0x00630050, 0
        MSR     LSTAR, 0, offset kernel
        MSR     FMASK, 0, 0x40701               # AC, DF, IF, TF, CF

        PAGE    OPEN, 7                         # STAC and CLAC
        mov     byte ptr [OPEN], 3
        CR4     or, 0x200000
        xor     ebx, ebx
        xor     edi, edi
        mov     r15d, 6
1:      stac
        movzx   eax, byte ptr [OPEN]
        pushfq
        clac
        add     ebx, eax
        pop     rax
        bt      eax, 18
        adc     edi, 0
        dec     r15d
        jnz     1b
        PRINT   "supervisor "
        mov     rax, rbx
        call    hex64
        PRINT   " AC "
        SHOW    rdi
        TIMES   3, call 9f
        jmp     1f
9:      stac
        mov     al, [OPEN]
        clac
        RAISES  mov al, [OPEN]
        ret
1:      CR4     and, 0xffdfffff
        xor     ebx, ebx
        mov     r15d, 4
1:      stac
        add     bl, [OPEN]
        clac
        mov     al, [OPEN]
        dec     r15d
        jnz     1b
        PRINT   "off "
        SHOW    rbx

# expect: RCX 0000000000000000
# expect: R11 0000000000000603
# expect: inner flags 0000000000000002
# expect: inner CS 0000000000000050 SS 0000000000000058
# expect: outer CS 0000000000000073 SS 000000000000006B
# expect: 0E 0005 +00 00500000
# expect: 0E 0005 +00 00500000
# expect: 0E 0005 +00 00500000
# expect: 06 0000 +00
        mov     rax, cr0
        or      rax, 0x40000
        mov     cr0, rax
        PAGE    0x6000, 7
        PAGE    0x8000, 7
        PAGE    0x9000, 7
        PAGE    0xa000, 7
        TO_USER
        mov     ebp, 40
1:      xor     eax, eax
        std
        stc
        syscall
2:      cld
        dec     ebp
        jnz     1b
        mov     [outer_cs], cs
        mov     [outer_ss], ss
        KERNEL
        PRINT   "RCX "
        mov     rax, [saved_rcx]
        sub     rax, offset 2b
        SHOW    rax
        PRINT   "R11 "
        mov     rax, [saved_r11]
        and     eax, 0xffffff2b                 # without flags that DEC left
        or      eax, 0x200
        SHOW    rax
        PRINT   "inner flags "
        mov     rax, [saved_flags]
        and     eax, 0xffffff2a                 # and without the kernel's own CF
        SHOW    rax
        PRINT   "inner CS "
        mov     rax, [saved_cs]
        call    hex64
        PRINT   " SS "
        SHOW    [saved_ss]
        PRINT   "outer CS "
        mov     rax, [outer_cs]
        call    hex64
        PRINT   " SS "
        SHOW    [outer_ss]
        TO_USER
        mov     ebx, 3
1:      CALL_KERNEL 2
        CALL_KERNEL 2
        RAISES  mov al, [SECRET]
        dec     ebx
        jnz     1b
        RAISES  clac
        mov     ebx, 20
1:      CALL_KERNEL 0
        dec     ebx
        jnz     1b
        KERNEL

# expect: 0D 0000 +00
# expect: 0D 0000 +00
# expect: 01 0000 +01
# expect: 01 0000 +01
# expect: 11 0000 +00
# expect: 11 0000 +00
# expect: 06 0000 +00
# expect: 06 0000 +00
# expect: written 000000000000000A
        TIMES   2, call 9f                      # not canonical
        jmp     1f
9:      mov     rcx, 0x800000000000
        mov     r11d, 2
        RAISES  SYSRETQ
        ret
1:      mov     ebx, 2                          # single steps
1:      mov     dword ptr [subject], offset 2f
        mov     dword ptr [resume], offset 3f
        mov     ecx, offset 2f
        mov     r11d, 0x102
        SYSRETQ
2:      nop
        nop
3:      KERNEL
        dec     ebx
        jnz     1b
        mov     ebx, 2                          # alignment checks
1:      mov     ecx, offset 2f
        mov     r11d, 0x40002
        SYSRETQ
2:      RAISES  mov eax, [range + 1]
        KERNEL
        dec     ebx
        jnz     1b
        mov     ebx, 2                          # without EFER.SCE
1:      mov     ecx, EFER
        rdmsr
        and     al, 0xfe
        wrmsr
        RAISES  syscall
        mov     ecx, EFER
        rdmsr
        or      al, 1
        wrmsr
        CALL_KERNEL 3
        dec     ebx
        jnz     1b
        mov     dword ptr [ROUTINE], 0xe1ff00b0 # MOV AL, n; JMP RCX: what is called is written
        MSR     LSTAR, 0, ROUTINE
        xor     ebx, ebx
        xor     eax, eax
        mov     ebp, 4
1:      inc     byte ptr [ROUTINE + 1]
        syscall
        add     bl, al
        dec     ebp
        jnz     1b
        MSR     LSTAR, 0, offset kernel
        PRINT   "written "
        SHOW    rbx

# expect: round 0000000000000007 000000000000000F
# expect: same level 0000000000012348
# expect: crossing 0000000000000004
# expect: DS 0000000000000000 ES 000000000000006B
# expect: 0B 0070 +00
# expect: 0B 0070 +00
# expect: 0D 0068 +00
# expect: 0D 0068 +00
# expect: 0D 0068 +00
# expect: 0D 0068 +00
# expect: 0D 0000 +00
# expect: 0D 0000 +00
# expect: 0D 0000 +00
# expect: 0D 0000 +00
# expect: 01 0000 +01
# expect: 01 0000 +01
# expect: resumed 0000000000000008
        mov     ebp, 2                          # selectors that go round
1:      MSR     STAR, 0xffff0050, 0
        mov     ecx, offset 2f
        mov     r11d, 2
        SYSRETQ
2:      mov     r8d, ss
        mov     r9d, cs
        KERNEL
        MSR     STAR, 0x00630050, 0
        dec     ebp
        jnz     1b
        PRINT   "round "
        mov     rax, r8
        call    hex64
        PRINT   " "
        SHOW    r9

        mov     r13, rsp                        # to the same level, whatever the stack
        mov     ebp, 4
        mov     ebx, 0x12340
1:      FRAME   0, rbx, 2, KERNEL_CODE, offset 2f
        iretq
2:      lea     rbx, [rsp + 1]
        mov     rsp, r13
        FRAME   KERNEL_DATA, rbx, 2, KERNEL_CODE, offset 3f
        iretq
3:      lea     rbx, [rsp + 1]
        mov     rsp, r13
        sub     ebp, 1
        jnz     1b
        PRINT   "same level "
        SHOW    rbx
        mov     ebp, 4                          # from two pages
        xor     ebx, ebx
1:      mov     esp, 0x502018
        FRAME   OUTER_DATA, r13, 2, OUTER_CODE, offset 2f
        iretq
2:      inc     ebx
        KERNEL
        dec     ebp
        jnz     1b
        PRINT   "crossing "
        SHOW    rbx
        mov     ebp, 4                          # data segments
1:      mov     eax, DATA
        mov     ds, ax
        mov     eax, OUTER_DATA
        mov     es, ax
        FRAME   OUTER_DATA, r13, 2, OUTER_CODE, offset 2f
        iretq
2:      mov     r8d, ds
        mov     r14d, es
        KERNEL
        dec     ebp
        jnz     1b
        PRINT   "DS "
        mov     rax, r8
        call    hex64
        PRINT   " ES "
        SHOW    r14
        WITHOUT 0x75, 0x80                      # descriptors that change
        WITHOUT 0x6d, 0x20
        mov     ebp, 2                          # a table that ends before
1:      call    round_trip
        mov     word ptr [gdtr2], 0x6e
        lgdt    [gdtr2]
        FRAME   OUTER_DATA, r13, 2, USER_CODE, offset 2f
        RAISES  iretq
        add     rsp, 40
        mov     word ptr [gdtr2], 0x77
        lgdt    [gdtr2]
        dec     ebp
        jnz     1b
2:      mov     ebp, 2                          # NT
1:      pushfq
        or      word ptr [rsp], 0x4000
        popfq
        call    try
        pushfq
        and     word ptr [rsp], 0xbfff
        popfq
        call    round_trip
        dec     ebp
        jnz     1b
        mov     ebp, 2                          # not canonical
1:      mov     rax, 0xffff7fffffffffff
        FRAME   OUTER_DATA, r13, 2, OUTER_CODE, rax
        RAISES  iretq
        add     rsp, 40
        call    round_trip
        dec     ebp
        jnz     1b
        mov     ebp, 2                          # TF
1:      mov     dword ptr [subject], offset 2f
        mov     dword ptr [resume], offset 3f
        FRAME   OUTER_DATA, r13, 0x102, OUTER_CODE, offset 2f
        iretq
2:      nop
        nop
3:      KERNEL
        dec     ebp
        jnz     1b
        mov     ebp, 8                          # RF
        xor     ebx, ebx
1:      FRAME   OUTER_DATA, r13, 0x10002, OUTER_CODE, offset 2f
        iretq
2:      inc     ebx
        KERNEL
        dec     ebp
        jnz     1b
        PRINT   "resumed "
        SHOW    rbx

# expect: back 0000000000000000
# expect: written 0000000000000100
# expect: processor 0000000000001234
# expect: 0D 0000 +00
# expect: 0D 0000 +00
# expect: FS 0000000000000111 0000000000000222
# expect: base FFFF800000501000
# expect: base 0000000000501000
# expect: 0D 0000 +00
# expect: 06 0000 +00
# expect: CR2 0000000000500000
# expect: CR3 0000000000001000
# expect: CR4 0000000000000620
# expect: CS FFFFFFFFFFFF0050
# expect: CS 0000000000000050
        MSR     TSC_AUX, 0, 0x1234
        xor     edi, edi                        # how often the counter goes back
        xor     esi, esi
        mov     ebp, 200
1:      rdtsc
        shl     rdx, 32
        or      rax, rdx
        cmp     rax, rsi
        adc     edi, 0
        mov     rsi, rax
        mov     rcx, -1
        rdtscp
        mov     r8, rcx
        shl     rdx, 32
        or      rax, rdx
        cmp     rax, rsi
        adc     edi, 0
        mov     rsi, rax
        mov     ecx, TSC
        rdmsr
        shl     rdx, 32
        or      rax, rdx
        cmp     rax, rsi
        adc     edi, 0
        mov     rsi, rax
        dec     ebp
        jnz     1b
        PRINT   "back "
        SHOW    rdi
        mov     ebp, 2
1:      MSR     TSC, 0x100, 0
        rdtsc
        dec     ebp
        jnz     1b
        PRINT   "written "
        and     edx, 0xffffff00
        SHOW    rdx
        PRINT   "processor "
        SHOW    r8
        CR4     or, 4
        TO_USER
        mov     ebp, 2
1:      RAISES  rdtsc
        dec     ebp
        jnz     1b
        KERNEL
        CR4     and, 0xfffffffb
        CR4     or, 0x10000
        mov     dword ptr [OPEN], 0x111
        mov     dword ptr [OPEN + 4], 0x111
        mov     dword ptr [OPEN + 0x100], 0x222
        mov     dword ptr [OPEN + 0x104], 0x222
        mov     ebp, 4
1:      mov     r9d, OPEN
        wrfsbase r9
        mov     ebx, fs:[0]
        and     ebx, fs:[4]
        add     r9d, 0x100
        wrfsbase r9d
        mov     esi, fs:[0]
        and     esi, fs:[4]
        dec     ebp
        jnz     1b
        PRINT   "FS "
        mov     rax, rbx
        call    hex64
        PRINT   " "
        SHOW    rsi
        mov     rax, 0xffff800000501000
        wrgsbase rax
        rdgsbase r9
        PRINT   "base "
        SHOW    r9
        wrgsbase eax
        rdgsbase rbx
        rdgsbase ecx
        PRINT   "base "
        and     rbx, rcx
        SHOW    rbx
        mov     rax, 0x0000800000000000
        RAISES  wrfsbase rax
        CR4     and, 0xfffeffff
        RAISES  rdfsbase rax
        PRINT   "CR2 "
        mov     r12, cr2
        SHOW    r12
        PRINT   "CR3 "
        mov     r9, cr3
        SHOW    r9
        PRINT   "CR4 "
        mov     rax, cr4
        SHOW    rax
        mov     r9, -1
        .byte   0x66, 0x41, 0x8c, 0xc9          # MOV R9W, CS
        PRINT   "CS "
        SHOW    r9
        mov     r9, cs
        PRINT   "CS "
        SHOW    r9
        EXIT

kernel: cmp     eax, 1
        je      2f
        cmp     eax, 3
        je      2f
        mov     [saved_rcx], rcx
        mov     [saved_r11], r11
        mov     [saved_cs], cs
        mov     [saved_ss], ss
        pushfq
        pop     [saved_flags]
        cmp     eax, 2
        jne     1f
        inc     byte ptr [SECRET]
1:      SYSRETQ
2:      jmp     rcx

round_trip:                                     # to CPL 3 and back
        FRAME   OUTER_DATA, rsp, 2, OUTER_CODE, offset 1f
        iretq
1:      mov     eax, 1
        syscall
        add     rsp, 8
        ret

try:    FRAME   OUTER_DATA, r13, 2, OUTER_CODE, offset 1f
        RAISES  iretq
        add     rsp, 40
1:      ret

        .balign 8
range:  .quad   0
saved_rcx: .quad 0
saved_r11: .quad 0
saved_flags: .quad 0
saved_cs: .quad 0
saved_ss: .quad 0
outer_cs: .quad 0
outer_ss: .quad 0
more:   .quad   0x00af9b000000ffff      # KERNEL_CODE
        .quad   0x00cf93000000ffff      # KERNEL_DATA
        .quad   0x00cffb000000ffff      # 60h
        .quad   0x00cff3000000ffff      # OUTER_DATA
        .quad   0x00affb000000ffff      # OUTER_CODE
moreend:
gdtr2:  .word   0x77
        .quad   TABLE
