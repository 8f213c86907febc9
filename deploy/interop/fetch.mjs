// Node's fetch: text, an upload of a stream, and an error that keeps the connection.
const base = `http://127.0.0.1:${process.argv[2]}`;
const text = await fetch(`${base}/text`);
const length = (await text.text()).length;
const body = new ReadableStream({
  start(controller) {
    for (let i = 0; i < 10; i++) controller.enqueue(new Uint8Array(100000));
    controller.close();
  },
});
const echo = await fetch(`${base}/echo`, { method: "POST", body, duplex: "half" });
const size = (await echo.arrayBuffer()).byteLength;
const none = await fetch(`${base}/none`);
await none.text();
console.log(text.status, length, echo.status, size, none.status);
