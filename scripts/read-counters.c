/* What reading every counter costs at the least: SCAN the whole keyspace, MGET each page, write month, clinic and
 * used as lines for COPY. One connection, one thread; the next SCAN travels with the MGET of the page before.
 * usage: read-counters SOCKET MONTH OUT. The head of metering.lua has the layout of a value. */
#include <endian.h>
#include <hiredis/hiredis.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 1000, MOST = 16 * PAGE, EPOCH = 24, USED = 40, CREDITED = 48, HEAD = 104 };

static int64_t number_at(const char *value, int at) {
    uint64_t raw;
    memcpy(&raw, value + at, sizeof raw);
    return (int64_t)le64toh(raw);
}

static redisReply *next_reply(redisContext *redis) {
    redisReply *reply = NULL;
    if (redisGetReply(redis, (void **)&reply) != REDIS_OK || reply->type == REDIS_REPLY_ERROR) exit(2);
    return reply;
}

int main(int argc, char **argv) {
    if (argc != 4) return 1;
    redisContext *redis = redisConnectUnix(argv[1]);
    FILE *out = fopen(argv[3], "w");
    if (redis == NULL || redis->err || out == NULL) return 1;
    static const char *words[MOST + 1] = {"MGET"};
    static size_t sizes[MOST + 1] = {4};
    redisReply *page = NULL;
    char cursor[32] = "0";
    for (int is_last = 0; !is_last || page != NULL;) {
        if (!is_last) redisAppendCommand(redis, "SCAN %s COUNT %d", cursor, PAGE);
        redisReply *keys = page ? page->element[1] : NULL;
        size_t count = keys ? keys->elements : 0;
        if (count > MOST) return 3;
        for (size_t i = 0; i < count; i++) {
            words[i + 1] = keys->element[i]->str;
            sizes[i + 1] = keys->element[i]->len;
        }
        if (count > 0) redisAppendCommandArgv(redis, (int)count + 1, words, sizes);
        redisReply *following = is_last ? NULL : next_reply(redis);
        if (count > 0) {
            redisReply *values = next_reply(redis);
            for (size_t i = 0; i < count; i++) {
                const redisReply *value = values->element[i];
                if (value->type != REDIS_REPLY_STRING || value->len < HEAD) continue;
                /* q:{36 characters} */
                fprintf(out, "%s\t%.36s\t%lld\t%lld\t%lld\n", argv[2], words[i + 1] + 3,
                    (long long)number_at(value->str, EPOCH), (long long)number_at(value->str, USED),
                    (long long)number_at(value->str, CREDITED));
            }
            freeReplyObject(values);
        }
        if (page) freeReplyObject(page);
        page = following;
        if (page) {
            snprintf(cursor, sizeof cursor, "%s", page->element[0]->str);
            is_last = strcmp(cursor, "0") == 0;
        }
    }
    return fclose(out) == 0 ? 0 : 1;
}
