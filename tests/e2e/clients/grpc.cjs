/* grpc.cjs serve | ask TARGET MS - gRPC without TLS and without .proto files
 *
 * The server prints "port N"; Say returns what it got, Echo sends each message
 * back when it comes. The client sends the next one when it has the last. */
"use strict";
const grpc = require("@grpc/grpc-js");
const same = (bytes) => bytes;
const method = (name, streams) => ({ path: "/test.Gate/" + name,
	requestStream: streams, responseStream: streams,
	requestSerialize: same, requestDeserialize: same,
	responseSerialize: same, responseDeserialize: same });
const service = { say: method("Say", false), echo: method("Echo", true) };
const room = { "grpc.max_receive_message_length": 1 << 24 };

function serve() {
	const server = new grpc.Server(room);
	server.addService(service, {
		say: (call, reply) => reply(null, call.request),
		echo(call) {
			call.on("data", (message) => call.write(message));
			call.on("end", () => call.end());
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

if (process.argv[2] === "serve")
	serve();
else
	ask(process.argv[3], process.argv[4]).then(() => process.exit(0),
	    (error) => {
		console.log(`${grpc.status[error.code]} ${error.message}`);
		process.exit(1);
	    });
