/* models.cjs SDK URL MODE WAY... - ask a model server through a proxy
 *
 * SDK is openai or anthropic, WAY how the proxy of the environment is used,
 * one after the other. MODE whole asks once; stream asks once more and prints
 * each piece as it comes. The last line for each WAY is "WAY done: TEXT" or
 * "WAY error: STATUS ..." with the chain of messages. */
"use strict";
const undici = require("undici");
const [sdk, url, mode, ...wanted] = process.argv.slice(2);
const proxy = process.env.HTTP_PROXY;

/* What the client's constructor gets for each way through the proxy. */
const ways = {
	none: () => ({}),	/* for the bridge: the proxy is its affair */
	/* The process's default: the SDK is not told anything. */
	EnvHttpProxyAgent() {
		undici.setGlobalDispatcher(new undici.EnvHttpProxyAgent());
		return {};
	},
	ProxyAgent: () => ({
		fetchOptions: { dispatcher: new undici.ProxyAgent(proxy) },
	}),
	/* HTTP/2 where the other side offers it. */
	"ProxyAgent+h2": () => ({
		fetch: undici.fetch,
		fetchOptions: { dispatcher: new undici.ProxyAgent({
			uri: proxy, allowH2: true,
			requestTls: { allowH2: true } }) },
	}),
	/* No tunnel for http: what curl and most others send. */
	"absolute-form": () => ({
		fetch: undici.fetch,
		fetchOptions: { dispatcher: new undici.ProxyAgent({
			uri: proxy, proxyTunnel: false }) },
	}),
	/* Agents of node:http: a fetch over it. */
	"https-proxy-agent"() {
		const { HttpsProxyAgent } = require("https-proxy-agent");
		return { fetch: fetchBy(new HttpsProxyAgent(proxy)) };
	},
	"global-agent"() {
		process.env.GLOBAL_AGENT_HTTP_PROXY = proxy;
		require("global-agent").bootstrap();
		return { fetch: fetchBy(undefined) };
	},
	/* axios by its own reading of http_proxy, and by an agent. */
	axios: () => ({ fetch: fetchByAxios({}) }),
	"axios+https-proxy-agent"() {
		const { HttpsProxyAgent } = require("https-proxy-agent");
		return { fetch: fetchByAxios({ proxy: false,
			httpAgent: new HttpsProxyAgent(proxy) }) };
	},
};

function answerOf(status, fields, body) {
	const { Readable } = require("node:stream");
	const headers = new Headers();
	for (const [name, value] of Object.entries(fields))
		headers.set(name, String(value));
	return new Response(Readable.toWeb(body), { status, headers });
}

function fetchBy(agent) {
	return (target, init) => new Promise((resolve, reject) => {
		const http = require("node:" + new URL(target).protocol
		    .slice(0, -1));
		const request = http.request(target, { agent, method: init.method,
			headers: Object.fromEntries(new Headers(init.headers)) },
		    (answer) => resolve(answerOf(answer.statusCode,
			answer.headers, answer)));
		request.on("error", reject);
		request.end(init.body);
	});
}

function fetchByAxios(options) {
	const axios = require("axios");
	return async (target, init) => {
		const answer = await axios({ ...options, url: String(target),
			method: init.method, data: init.body,
			headers: Object.fromEntries(new Headers(init.headers)),
			responseType: "stream", validateStatus: () => true });
		return answerOf(answer.status, answer.headers, answer.data);
	};
}

function show(piece) {
	if (piece)
		console.log("piece: " + piece);
	return piece || "";
}

async function openai(options, stream) {
	const OpenAI = require("openai").default;
	const client = new OpenAI({ baseURL: url + "/v1",
		apiKey: process.env.OPENAI_API_KEY || "not-needed",
		maxRetries: 0, timeout: 20000, ...options });
	const ask = { model: "m", messages: [{ role: "user", content: "say" }] };
	if (!stream) {
		const answer = await client.chat.completions.create(ask);
		return answer.choices[0].message.content;
	}
	let text = "";
	for await (const chunk of await client.chat.completions.create(
	    { ...ask, stream: true }))
		text += show(chunk.choices[0].delta.content);
	return text;
}

async function anthropic(options, stream) {
	const Anthropic = require("@anthropic-ai/sdk").default;
	const client = new Anthropic({ baseURL: url, 
		apiKey: process.env.ANTHROPIC_API_KEY || "not-needed",
		maxRetries: 0, timeout: 20000, ...options });
	const ask = { model: "m", max_tokens: 100,
		messages: [{ role: "user", content: "say" }] };
	if (!stream)
		return (await client.messages.create(ask)).content[0].text;
	let text = "";
	for await (const event of client.messages.stream(ask))
		if (event.type === "content_block_delta")
			text += show(event.delta.text);
	return text;
}

function chain(error) {
	const parts = [];
	for (let e = error; e; e = e.cause)
		parts.push(e.message);
	return parts.join(" <- ").replaceAll("\n", " ");
}

async function run() {
	const ask = { openai, anthropic }[sdk];
	for (const way of wanted)
		try {
			const options = ways[way]();
			const whole = await ask(options, false);
			const text = mode === "stream" ?
				await ask(options, true) : whole;
			console.log(`${way} done: ${text === whole ? text :
				`${whole} is not ${text}`}`);
		} catch (error) {
			console.log(`${way} error: ${error.status} ${chain(error)}`);
		}
}

/* Pools of connections would keep the process. */
run().then(() => process.exit(0));
