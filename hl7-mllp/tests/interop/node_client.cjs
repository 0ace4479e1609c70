// The client of npm node-hl7-client. Arguments: the port, the number of messages. Prints MSA of each answer.
const { Client, Message } = require('node-hl7-client')

const [port, count] = process.argv.slice(2).map(Number)
let sent = 0
const client = new Client({ host: '127.0.0.1' })
const outbound = client.createConnection({ port }, async (res) => {
  const msa = (n) => res.getMessage().get(`MSA.${n}`).toString()
  console.log(`answered MSA|${msa(1)}|${msa(2)}`)
  await next()
})

async function next () {
  if (sent === count) {
    await outbound.close()
    process.exit(0)
  }
  const id = `node-${sent++}`
  const text = `MSH|^~\\&|NODE|TEST|PEER|TEST|20260102030405||ADT^A08^ADT_A01|${id}|T|2.5.1\rPID|1||7^^^TEST^MR||Byrne^Zoë\r`
  await outbound.sendMessage(new Message({ text }))
}

outbound.on('connect', next)
