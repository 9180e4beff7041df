/*
 * Inserts keys into a binary search tree and looks keys up. The nodes are in an arena, and refer to each other by their index
 * there; index 0 is no node.
 *
 * Input: keys from 0 to 4,095 from a xorshift generator. 1,000 of them are inserted, where a key that is there already counts
 * up its node; then each of the 4,096 is looked up. The counts found, each times its key, are folded into a checksum.
 *
 * Trust: a table of counts, without a tree, gives the same checksum.
 */

#include <stdint.h>

#define KEYS 4096
#define INSERTIONS 1000

struct node {
    uint32_t key;
    uint32_t count;
    uint32_t left;
    uint32_t right;
};

struct tree {
    uint32_t root;
    uint32_t last;
    struct node nodes[INSERTIONS + 1];
};

static struct tree tree;

static inline uint32_t next_random(uint32_t state)
{
    state ^= state << 13;
    state ^= state >> 17;
    return state ^ state << 5;
}

static __attribute__((noinline)) void insert(uint32_t key)
{
    uint32_t *link = &tree.root;
    while (*link != 0) {
        struct node *node = &tree.nodes[*link];
        if (key == node->key) {
            node->count++;
            return;
        }
        link = key < node->key ? &node->left : &node->right;
    }
    tree.last++;
    *link = tree.last;
    struct node *node = &tree.nodes[tree.last];
    node->key = key;
    node->count = 1;
    node->left = 0;
    node->right = 0;
}

/* How often the key was inserted. */
static __attribute__((noinline)) uint32_t count(uint32_t key)
{
    uint32_t index = tree.root;
    while (index != 0) {
        const struct node *node = &tree.nodes[index];
        if (key == node->key)
            return node->count;
        index = key < node->key ? node->left : node->right;
    }
    return 0;
}

uint32_t kernel(void)
{
    tree.root = 0;
    tree.last = 0;
    uint32_t random = 2463534242;
    for (uint32_t i = 0; i < INSERTIONS; i++) {
        random = next_random(random);
        insert(random % KEYS);
    }

    uint32_t checksum = 0;
    for (uint32_t key = 0; key < KEYS; key++)
        checksum = checksum * 31 + key * count(key);
    return checksum;
}
