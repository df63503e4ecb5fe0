// Old syntax on purpose: this has to run on any Node, to say that it is the wrong one.
var NEEDED = 24

var major = Number(process.versions.node.split('.')[0])

if (major !== NEEDED) {
  console.error(
    'Node ' +
      NEEDED +
      ' is needed and this is ' +
      process.version +
      ': run npm ci, which brings it on Linux and Windows, and start by npm; on macOS install Node ' +
      NEEDED +
      '.',
  )
  process.exit(1)
}
