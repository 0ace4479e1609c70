// The server of npm node-hl7-server, which answers everything AA. Argument: the port. Prints when it listens.
const { Server } = require('node-hl7-server')

const port = Number(process.argv[2])
const server = new Server({ bindAddress: '127.0.0.1' })
const inbound = server.createInbound({ port }, async (req, res) => {
  console.log('received', req.getMessage().get('MSH.10').toString())
  await res.sendResponse('AA')
})
inbound.on('listen', () => console.log(`listening 127.0.0.1:${port}`))
