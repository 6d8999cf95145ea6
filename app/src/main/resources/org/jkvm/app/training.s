# The guest that fills the ahead-of-time cache when the commands are built (Training.java): a multiboot kernel that keeps the
# engine as busy as an operating system does while it boots. It writes thousands of functions out of the instructions below
# and calls each often enough to be translated, twice; takes page faults, timer interrupts and system calls, changes address
# spaces, and talks to a few devices. Then it resets the machine. TrainingTest assembles it anew: training.hex.
.intel_syntax noprefix
.set BASE, 0x100000
.set TABLES, 0x200000                   # PML4, PDPT, page directory, a page table for 4 KiB pages
.set IDT, 0x205000
.set TSS, 0x206000
.set FUNCTIONS, 0x300000                # where the functions begin
.set CODE, 0x400000
.set DATA, 0x800000
.set PAGES, 0xc00000                    # 2 MiB of 4 KiB pages
.set COUNT, 4000
.set CALLS, 20
.set KERNEL_CODE, 0x08
.set KERNEL_DATA, 0x10
.set USER_DATA, 0x1b
.set USER_CODE, 0x23
.set TASK, 0x28

.code32
start:  .long   0x1badb002, 0x10000, -(0x1badb002 + 0x10000)    # multiboot header with addresses
        .long   BASE, BASE, BASE + end - start, BASE + end - start, BASE + begin - start
begin:  cli
        cld
        mov     esp, 0x1ff000
        mov     edi, TABLES
        xor     eax, eax
        mov     ecx, 0x2000
        rep stosd
        mov     dword ptr [TABLES], TABLES + 0x1007
        mov     dword ptr [TABLES + 0x1000], TABLES + 0x2007
        mov     edi, TABLES + 0x2000
        mov     eax, 0x87               # present, writable, user, 2 MiB
1:      mov     [edi], eax
        add     eax, 0x200000
        add     edi, 8
        cmp     eax, 0x4000000
        jb      1b
        mov     dword ptr [TABLES + 0x2000 + (PAGES >> 21) * 8], TABLES + 0x3007
        mov     eax, 0x6a0              # PAE, PGE, OSFXSR, OSXMMEXCPT
        mov     cr4, eax
        mov     eax, TABLES
        mov     cr3, eax
        mov     ecx, 0xc0000080         # EFER: SCE, LME
        rdmsr
        or      eax, 0x101
        wrmsr
        mov     eax, 0x80010033
        mov     cr0, eax
        lgdt    [BASE + gdtr - start]
        .byte   0xea
        .long   BASE + wide - start
        .word   KERNEL_CODE
        .balign 8
gdt:    .quad   0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x00cff3000000ffff, 0x00affb000000ffff
        .word   0x67, TSS & 0xffff, 0x8900 | TSS >> 16, 0, 0, 0, 0, 0
gdtr:   .word   gdtr - gdt - 1
        .quad   BASE + gdt - start
idtr:   .word   0x30 * 16 - 1
        .quad   IDT

.code64
wide:   mov     eax, KERNEL_DATA
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        mov     qword ptr [TSS + 4], 0x1fe000
        mov     eax, TASK
        ltr     ax
        lea     rdx, [rip + fault]
        mov     edi, IDT + 14 * 16
        call    gate
        lea     rdx, [rip + timer]
        mov     edi, IDT + 0x20 * 16
        call    gate
        lea     rdx, [rip + enough]
        mov     edi, IDT + 0x21 * 16
        call    gate
        mov     byte ptr [IDT + 0x21 * 16 + 5], 0xee
        lidt    [rip + idtr]
        mov     ecx, 0xc0000081         # STAR, LSTAR, FMASK
        xor     eax, eax
        mov     edx, (USER_DATA - 8) << 16 | KERNEL_CODE
        wrmsr
        inc     ecx
        lea     rax, [rip + syscall]
        xor     edx, edx
        wrmsr
        mov     ecx, 0xc0000084
        mov     eax, 0x200
        wrmsr
        call    devices
        sti
        mov     r12d, 2
1:      call    write
        call    all
        call    faults
        call    spaces
        call    users
        dec     r12d
        jnz     1b
2:      mov     al, 0xfe                # the keyboard controller pulls reset
        out     0x64, al
        hlt
        jmp     2b

gate:   mov     [rdi], dx
        mov     dword ptr [rdi + 2], 0x8e000000 | KERNEL_CODE
        shr     edx, 16
        mov     [rdi + 6], dx
        ret

fault:  push    rax                     # maps what is missing
        push    rdx
        mov     rax, cr2
        mov     edx, eax
        and     edx, 0x1ff000
        shr     edx, 9
        and     eax, 0xfffff000
        or      eax, 7
        mov     [TABLES + 0x3000 + rdx], rax
        pop     rdx
        pop     rax
        add     rsp, 8
        iretq

timer:  push    rax
        inc     qword ptr [DATA + 0x8000]
        mov     al, 0x20
        out     0x20, al
        pop     rax
        iretq

syscall:
        inc     qword ptr [DATA + 0x8008]
        sysretq

devices:
        lea     rsi, [rip + writes]
1:      movzx   edx, word ptr [rsi]
        mov     al, [rsi + 2]
        add     rsi, 3
        test    edx, edx
        jz      2f
        out     dx, al
        jmp     1b
2:      mov     ebx, 0x80000000         # PCI: who is there
3:      mov     dx, 0xcf8
        mov     eax, ebx
        out     dx, eax
        mov     dx, 0xcfc
        in      eax, dx
        add     ebx, 0x800
        cmp     ebx, 0x80010000
        jb      3b
        mov     esi, 64
4:      mov     eax, esi                # CMOS
        out     0x70, al
        in      al, 0x71
        mov     dx, 0x3fd               # serial port: line status
        in      al, dx
        in      al, 0x40
        in      al, 0x64
        mov     eax, esi
        xor     ecx, ecx
        cpuid
        rdtsc
        dec     esi
        jnz     4b
        ret
writes: .irp    p, 0x2011, 0xa011, 0x2120, 0xa128, 0x2104, 0xa102, 0x2101, 0xa101, 0x21fe, 0xa1ff
        .word   \p >> 8
        .byte   \p & 0xff
        .endr
        .word   0x43                    # PIT: 1 kHz
        .byte   0x34
        .word   0x40
        .byte   0xa9
        .word   0x40
        .byte   0x04
        .word   0, 0

# Writes COUNT functions; R15 is a random number.
write:  mov     edi, CODE
        mov     r15d, 0x12345
        mov     r14d, FUNCTIONS
        mov     r13d, COUNT
1:      mov     [r14], rdi
        add     r14, 8
        mov     dword ptr [rdi], 0xe5894855     # PUSH RBP; MOV RBP, RSP
        add     rdi, 4
        mov     ebp, 6
2:      imul    r15d, r15d, 1103515245
        add     r15d, 12345
        mov     eax, r15d
        shr     eax, 16
        xor     edx, edx
        mov     ecx, offset ALL_SNIPPETS
        div     ecx
        lea     rsi, [rip + snippets]
3:      movzx   ecx, byte ptr [rsi]
        inc     rsi
        test    edx, edx
        jz      4f
        add     rsi, rcx
        dec     edx
        jmp     3b
4:      rep movsb
        test    r15d, 0x60000
        jnz     5f
        mov     eax, r15d               # Jcc over nothing: a new block
        shr     eax, 24
        and     eax, 15
        or      eax, 0x70
        mov     [rdi], ax
        add     rdi, 2
5:      dec     ebp
        jnz     2b
        mov     word ptr [rdi], 0xc35d  # POP RBP; RET
        add     rdi, 2 + 15
        and     rdi, -16
        dec     r13d
        jnz     1b
        ret

# Calls all of them.
all:    mov     ebp, CALLS
1:      mov     ebx, COUNT
2:      mov     edi, DATA
        mov     esi, DATA + 0x1000
        call    [FUNCTIONS - 8 + rbx * 8]
        dec     ebx
        jnz     2b
        dec     ebp
        jnz     1b
        ret

# Page faults, 4 KiB pages, INVLPG.
faults: mov     ebx, 512
1:      mov     edi, ebx
        dec     edi
        shl     edi, 12
        add     edi, PAGES
        mov     eax, [rdi]
        mov     [rdi + 8], eax
        lea     eax, [rbx - 1]
        mov     qword ptr [TABLES + 0x3000 + rax * 8], 0
        invlpg  [rdi]
        dec     ebx
        jnz     1b
        ret

# New address spaces, with functions called in each.
spaces: mov     ebp, 300
1:      mov     rax, cr3
        mov     cr3, rax
        mov     ebx, 40
2:      mov     edi, DATA
        mov     esi, DATA + 0x1000
        call    [FUNCTIONS + rbx * 8]
        dec     ebx
        jnz     2b
        dec     ebp
        jnz     1b
        ret

# Functions and system calls at CPL 3, in and out again.
users:  mov     ebp, 200
1:      mov     [DATA + 0x8010], rbp
        mov     [DATA + 0x8018], rsp
        push    USER_DATA
        push    0x1f0000
        push    0x3202                  # IF; IOPL 3, for CLI
        push    USER_CODE
        lea     rax, [rip + user]
        push    rax
        iretq
user:   mov     ebx, 30
2:      mov     edi, DATA
        mov     esi, DATA + 0x1000
        call    [FUNCTIONS + 0x400 + rbx * 8]
        syscall
        dec     ebx
        jnz     2b
        int     0x21
enough: mov     rsp, [DATA + 0x8018]
        mov     rbp, [DATA + 0x8010]
        dec     ebp
        jnz     1b
        sti
        ret

.macro I insn:vararg
        .byte   782f - 781f
781:    \insn
782:
.set SNIPPETS, SNIPPETS + 1
.endm
.macro SEVERAL insns
        .byte   782f - 781f
781:    \insns
782:
.set SNIPPETS, SNIPPETS + 1
.endm
.set SNIPPETS, 0
snippets:
        I       mov eax, [rdi + 8]
        I       mov [rdi + 0x10], eax
        I       mov rax, [rdi + 0x18]
        I       mov [rdi + 0x20], rcx
        I       mov r8, [rsi + 0x128]
        I       mov [rsi + 0x130], r9
        I       mov qword ptr [rdi + 0x40], 7
        I       mov byte ptr [rsi + 5], 1
        I       mov r13d, 0x1234567
        I       mov rax, 0x123456789abcdef
        I       movzx eax, byte ptr [rdi + 3]
        I       movzx ecx, word ptr [rsi + 6]
        I       movsx rdx, byte ptr [rdi + 9]
        I       movsxd rax, dword ptr [rsi + 0x14]
        I       lea rax, [rdi + rcx * 4 + 8]
        I       lea r10, [rsi + 0x40]
        I       add rax, rcx
        I       add eax, 5
        I       add qword ptr [rdi + 0x28], 1
        I       sub rcx, r8
        I       sub [rsi + 0x30], rax
        I       and eax, 0xff
        I       and rcx, -16
        I       or rdx, rax
        I       or dword ptr [rdi + 0x60], 0x10
        I       xor eax, eax
        I       xor r11d, r10d
        I       cmp rax, rcx
        I       cmp dword ptr [rdi + 0x64], 3
        I       test al, al
        I       test byte ptr [rsi + 2], 1
        I       inc ecx
        I       dec qword ptr [rsi + 0x48]
        I       neg rax
        I       not edx
        I       shl eax, 3
        I       shr rcx, 12
        I       sar edx, 31
        I       shl r8, cl
        I       rol eax, 5
        I       imul eax, ecx
        I       imul rdx, rax, 100
        I       mul r8
        SEVERAL "xor edx, edx; mov ecx, 7; div ecx"
        SEVERAL "push rax; pop rdx"
        SEVERAL "push r14; push rbx; pop rbx; pop r14"
        SEVERAL "pushfq; pop rax"
        SEVERAL "cli; sub eax, 1; sti"
        SEVERAL "call .+7; jmp .+3; ret"
        I       bt rax, 5
        I       bts qword ptr [rdi + 0x70], 3
        SEVERAL "btr qword ptr [rdi + 0x70], rcx; and ecx, 63"
        I       bsf eax, edx
        I       cmove eax, ecx
        I       cmovb rdx, r8
        I       setne al
        I       setg byte ptr [rdi + 0x7]
        I       xchg rax, [rsi + 0x50]
        I       lock xadd [rdi + 0x78], eax
        I       lock cmpxchg [rsi + 0x58], rcx
        I       lock inc dword ptr [rdi + 0x80]
        I       bswap eax
        I       cdqe
        I       cqo
        SEVERAL "mov ecx, 8; push rdi; push rsi; rep movsq; pop rsi; pop rdi"
        SEVERAL "mov ecx, 20; push rdi; rep stosd; pop rdi"
        SEVERAL "mov ecx, 5; push rdi; mov al, 1; repne scasb; pop rdi"
        SEVERAL "mov ecx, 3; dec ecx; jnz .-2"
        I       nop word ptr [rax + rax]
        I       pause
        I       movups xmm0, [rdi + 0x100]
        I       movaps [rsi + 0x200], xmm0
        I       pxor xmm1, xmm1
        I       paddd xmm0, xmm2
        I       pcmpeqb xmm0, [rdi + 0x110]
        I       pmovmskb eax, xmm0
        I       movq xmm3, rax
        SEVERAL "cvtsi2sd xmm1, ecx; addsd xmm1, xmm1; mulsd xmm2, xmm1"
        I       mov gs:[0x808020], rax
        I       rdtsc
.set ALL_SNIPPETS, SNIPPETS
end:
