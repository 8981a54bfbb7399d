/* grpc.cjs serve | ask TARGET MS | every TARGET MS - gRPC without .proto files
 *
 * The server prints "port N"; Say returns what it got, Echo sends each message
 * back when it comes. The client sends the next one when it has the last.
 * With KEY in its environment the server wants it as metadata. `every` makes
 * each kind of call over TLS: the certificates are NODE_EXTRA_CA_CERTS. */
"use strict";
const grpc = require("@grpc/grpc-js");
const same = (bytes) => bytes;
const method = (name, streams) => ({ path: "/test.Gate/" + name,
	requestStream: streams, responseStream: streams,
	requestSerialize: same, requestDeserialize: same,
	responseSerialize: same, responseDeserialize: same });
const one_way = (name, up) => ({ ...method(name, up), responseStream: !up });
const service = { say: method("Say", false), echo: method("Echo", true),
	sum: one_way("Sum", true), count: one_way("Count", false),
	fail: method("Fail", false), hang: method("Hang", false) };
const room = { "grpc.max_receive_message_length": 1 << 24 };

/* An error where the key is missing. */
const unknown = (call) => {
	const { KEY } = process.env;
	if (!KEY || call.metadata.get("authorization")[0] === `Bearer ${KEY}`)
		return null;
	return { code: grpc.status.UNAUTHENTICATED, details: "no key" };
};

function serve() {
	const server = new grpc.Server(room);
	server.addService(service, {
		say: (call, reply) => reply(unknown(call), call.request),
		echo(call) {
			if (unknown(call))
				return call.destroy(unknown(call));
			call.on("data", (message) => call.write(message));
			call.on("end", () => call.end());
		},
		sum(call, reply) {
			let sum = 0;
			call.on("data", (message) => { sum += Number(message); });
			call.on("end", () => reply(unknown(call),
			    Buffer.from(String(sum))));
		},
		count(call) {
			if (unknown(call))
				return call.destroy(unknown(call));
			for (let n = 1; n <= Number(call.request); n++)
				call.write(Buffer.from(String(n)));
			call.end();
		},
		fail(call, reply) {
			const last = new grpc.Metadata();
			last.set("x-last", "in the trailers");
			last.set("x-last-bin", Buffer.from([0, 255, 10, 13]));
			reply({ code: grpc.status.FAILED_PRECONDITION,
				details: "not ready: \u00e4", metadata: last });
		},
		hang(call) {
			call.on("cancelled", () => console.log("cancelled"));
		},
	});
	server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(),
	    (error, port) => console.log(error || "port " + port));
}

const say = (client, bytes, deadline) => new Promise((resolve, reject) =>
	client.say(bytes, { deadline }, (error, answer) =>
	    error ? reject(error) : resolve(answer)));

const talk = (client, deadline) => new Promise((resolve, reject) => {
	const left = ["b", "c"];
	const call = client.echo({ deadline });
	call.on("data", (message) => {
		console.log("echo: " + message);
		if (left.length > 0)
			call.write(Buffer.from(left.shift()));
		else
			call.end();
	});
	call.on("error", reject);
	call.on("status", (status) => resolve(grpc.status[status.code]));
	call.write(Buffer.from("a"));
});

async function ask(target, ms) {
	const Client = grpc.makeGenericClientConstructor(service, "Gate");
	const client = new Client(target,
	    grpc.credentials.createInsecure(), room);
	const deadline = Date.now() + Number(ms);
	console.log("unary: " + await say(client, Buffer.from("gate"), deadline));
	console.log("ended: " + await talk(client, deadline));
	const large = Buffer.alloc(5000000, "0123456789abcdef");
	const back = await say(client, large, deadline);
	console.log("large: " + (large.equals(back) ? back.length : "changed"));
}

const failed = (client, name, deadline) => new Promise((resolve) =>
	client[name](Buffer.from("x"), { deadline }, (error) => resolve(error)));

const sum = (client, deadline) => new Promise((resolve, reject) => {
	const call = client.sum({ deadline }, (error, answer) =>
	    error ? reject(error) : resolve(answer));
	for (const n of ["1", "20", "300"])
		call.write(Buffer.from(n));
	call.end();
});

const count = (client, deadline) => new Promise((resolve, reject) => {
	const seen = [];
	const call = client.count(Buffer.from("5"), { deadline });
	call.on("data", (message) => seen.push(String(message)));
	call.on("error", reject);
	call.on("status", (status) => resolve(seen.join(" ") + " " +
	    grpc.status[status.code]));
});

async function every(target, ms) {
	const fs = require("node:fs");
	const Client = grpc.makeGenericClientConstructor(service, "Gate");
	const held = grpc.credentials.createFromMetadataGenerator((_, done) => {
		const metadata = new grpc.Metadata();
		metadata.set("authorization", `Bearer ${process.env.API_KEY}`);
		done(null, metadata);
	});
	const secure = grpc.credentials.createSsl(
	    fs.readFileSync(process.env.NODE_EXTRA_CA_CERTS));
	const client = new Client(target, grpc.credentials
	    .combineChannelCredentials(secure, held), room);
	const deadline = Date.now() + Number(ms);
	console.log("unary: " + await say(client, Buffer.from("gate"), deadline));
	console.log("client streams: " + await sum(client, deadline));
	console.log("server streams: " + await count(client, deadline));
	console.log("ended: " + await talk(client, deadline));
	const error = await failed(client, "fail", deadline);
	console.log(`status: ${grpc.status[error.code]} ${error.details}`);
	console.log(`trailers: ${error.metadata.get("x-last")} ` +
	    error.metadata.get("x-last-bin")[0].toString("hex"));
	const late = await failed(client, "hang", Date.now() + 400);
	console.log(`deadline: ${grpc.status[late.code]}`);
	const large = Buffer.alloc(Number(process.env.LARGE || 2000), "0123abcd");
	const back = await say(client, large, deadline);
	console.log("large: " + (large.equals(back) ? back.length : "changed"));
}

if (process.argv[2] === "serve")
	serve();
else
	({ ask, every })[process.argv[2]](process.argv[3], process.argv[4]).then(() => process.exit(0),
	    (error) => {
		console.log(`${grpc.status[error.code]} ${error.message}`);
		process.exit(1);
	    });
