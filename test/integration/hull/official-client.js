// Runs Hull's official client once, in a process of its own: it installs global handlers and keeps the process busy at
// its end, so it is left with process.exit. Usage: node official-client.js <organization> <firehose url> <id> <secret>
const HullClient = require("hull-client");

const [organization, firehoseUrl, id, secret] = process.argv.slice(2);
const hull = new HullClient({ organization, firehoseUrl, id, secret, protocol: "http", flushAfter: 1 });

async function main() {
  const user = {
    id: "5d25f6ce0f6b1168e10158cb",
    email: "ada@example.com",
    external_id: "u-1",
    anonymous_id: "planhat:p1",
  };
  await hull.asUser(user).traits({ "planhat/id": "p1", score: 0, tags: ["a"], gone: null });
  await hull.asUser({ email: "ada@example.com", name: "ignored" }).traits({
    name: { operation: "setIfNull", value: "Ada" },
  });
  await hull.asAccount({ external_id: "c-1", domain: "example.com", anonymous_id: "planhat:c1" }).traits({ mrr: 12.5 });
  await hull.asUser({ email: "ada@example.com" }).account({ external_id: "c-1" }).traits({});
  await hull.get("/app");
  await hull.put(`/${id}/status`, { status: "ok", messages: [] });
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
