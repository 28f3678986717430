/* Counts the instructions that say how a kernel was compiled, in cubins as ptxas writes them. Knows their codes, not what they do: a kernel's code
 * is the ELF section .text.NAME, 16 bytes an instruction; its lowest nine bits are the operation, bits 73 to 75 the width of an access. That
 * holds from compute capability 7.0 on; instructions.cu says so again for others.
 *
 *     instructions CUBIN...        a line for each kernel: its name, then LDG128=2 and so on, without those that it has none of */
#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES = 16, OPERATIONS = 512, WIDTHS = 8 };

/* By operation. Those that access memory are told apart by width. */
static const struct { unsigned code; const char *name; bool by_width; } known[] = {
    {0x180, "LD", true}, {0x185, "ST", true}, {0x181, "LDG", true}, {0x186, "STG", true}, {0x183, "LDL", true}, {0x187, "STL", true},
    {0x184, "LDS", true}, {0x188, "STS", true}, {0x023, "FFMA", false}, {0x03c, "HMMA", false}, {0x11d, "BAR", false}, {0x108, "MUFU", false},
    {0x143, "CALL", false}, {0x144, "CALL", false}};
enum { KNOWN = sizeof known / sizeof *known };

static const char *const width_names[WIDTHS] = {"8", "8", "16", "16", "32", "64", "128", "?"};

typedef struct counts { unsigned of[OPERATIONS][WIDTHS]; } counts;

static void count(const unsigned char *code, size_t bytes, counts *made)
{
    memset(made, 0, sizeof *made);
    for (const unsigned char *at = code; at + BYTES <= code + bytes; at += BYTES) {
        uint64_t low, high;
        memcpy(&low, at, sizeof low);
        memcpy(&high, at + sizeof low, sizeof high);
        made->of[low % OPERATIONS][high >> 9 & 7]++;
    }
}

static unsigned sum(const unsigned widths[WIDTHS])
{
    unsigned all = 0;
    for (int w = 0; w < WIDTHS; w++)
        all += widths[w];
    return all;
}

static void print(const char *kernel, const counts *made)
{
    printf("%s", kernel);
    for (int k = 0; k < KNOWN; k++) {
        const unsigned *widths = made->of[known[k].code];
        if (!known[k].by_width && sum(widths) > 0)
            printf(" %s=%u", known[k].name, sum(widths));
        for (int w = 0; known[k].by_width && w < WIDTHS; w++)
            if (widths[w] > 0)
                printf(" %s%s=%u", known[k].name, width_names[w], widths[w]);
    }
    printf("\n");
}

/* The file's bytes, to be freed. */
static unsigned char *read_file(const char *path, size_t *bytes)
{
    FILE *from = fopen(path, "rb");
    unsigned char *made = NULL;
    if (from != NULL && fseek(from, 0, SEEK_END) == 0 && ftell(from) > 0) {
        *bytes = (size_t)ftell(from);
        rewind(from);
        made = malloc(*bytes);
        if (made != NULL && fread(made, 1, *bytes, from) != *bytes)
            exit(EXIT_FAILURE);
    }
    if (from != NULL)
        fclose(from);
    return made;
}

/* What lies in the file from `offset` on; NULL: it is shorter. */
static const unsigned char *part_of(const unsigned char *file, size_t bytes, uint64_t offset, uint64_t length)
{
    return offset <= bytes && length <= bytes - offset ? file + offset : NULL;
}

static bool count_kernels(const unsigned char *file, size_t bytes)
{
    static const char prefix[] = ".text.";
    Elf64_Ehdr head;
    if (bytes < sizeof head || memcmp(file, ELFMAG, SELFMAG) != 0)
        return false;
    memcpy(&head, file, sizeof head);
    const unsigned char *table = part_of(file, bytes, head.e_shoff, (uint64_t)head.e_shnum * sizeof(Elf64_Shdr));
    if (table == NULL || head.e_shstrndx >= head.e_shnum)
        return false;
    const Elf64_Shdr *sections = (const Elf64_Shdr *)(const void *)table;
    const unsigned char *names = part_of(file, bytes, sections[head.e_shstrndx].sh_offset, sections[head.e_shstrndx].sh_size);
    for (int s = 0; names != NULL && s < head.e_shnum; s++) {
        const char *name = (const char *)names + sections[s].sh_name;
        const unsigned char *code = part_of(file, bytes, sections[s].sh_offset, sections[s].sh_size);
        if (strncmp(name, prefix, sizeof prefix - 1) == 0 && code != NULL) {
            counts made;
            count(code, sections[s].sh_size, &made);
            print(name + sizeof prefix - 1, &made);
        }
    }
    return names != NULL;
}

int main(int words, char **word)
{
    for (int i = 1; i < words; i++) {
        size_t bytes = 0;
        unsigned char *file = read_file(word[i], &bytes);
        if (file == NULL || !count_kernels(file, bytes)) {
            fprintf(stderr, "%s: no cubin\n", word[i]);
            return EXIT_FAILURE;
        }
        free(file);
    }
    return EXIT_SUCCESS;
}
