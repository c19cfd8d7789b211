// A peer of the HTTP benchmark: Node's http with node-redis, two workers, one shared connection each.
//
// usage: node check.js HTTP-PORT REDIS-SOCKET REQUEST-HEX; the request is the packed argument of metering_check.
const cluster = require('cluster');
const http = require('http');
const [port, socket, hex] = process.argv.slice(2);

async function serve() {
    const { commandOptions, createClient } = require('redis');
    const client = createClient({ socket: { path: socket } });
    await client.connect();
    const request = Buffer.from(hex, 'hex');
    const binary = commandOptions({ returnBuffers: true });

    async function decide(text) {
        const clinic = JSON.parse(text).clinic_id;
        const [reply] = await client.sendCommand(
            ['FCALL', 'metering_check', '1', `q:{${clinic}}`, request], binary);
        if (reply.length < 100 || reply[0] > 2) throw new Error('no decision');
        return {
            allowed: reply[0] === 1, clinic_id: clinic, used: Number(reply.readBigInt64LE(44)),
            retry_after_us: Number(reply.readBigInt64LE(68)),
        };
    }

    http.createServer((request, response) => {
        let text = '';
        request.on('data', (piece) => { text += piece; });
        request.on('end', async () => {
            let status = 200, body;
            try {
                body = await decide(text);
                if (!body.allowed) status = 429;
            } catch (error) {
                status = 503;
                body = { error: String(error) };
            }
            const bytes = Buffer.from(JSON.stringify(body));
            response.writeHead(status, {
                'content-type': 'application/json', 'content-length': bytes.length });
            response.end(bytes);
        });
    }).listen(port, '127.0.0.1');
}

if (cluster.isPrimary) {
    cluster.fork();
    cluster.fork();
    process.on('SIGTERM', () => process.exit(0));
} else {
    serve();
}
