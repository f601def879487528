#!/usr/bin/env node
// Runs under whatever Node calls it: an older one looks for the Node 24 that the package brings along and hands over to it.
// So it is written in what Node 14 understands.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import module, { createRequire } from 'node:module'
import { constants } from 'node:os'
import { fileURLToPath, pathToFileURL } from 'node:url'

const source = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const main = existsSync(source) ? source : source.replace(/\.ts$/, '.js')

// A third of what a command takes is compiling. The folder is the package's own: where others may write, they could write code.
const cache = fileURLToPath(new URL('../node_modules/.cache/tidings', import.meta.url))

if (Number(process.versions.node.split('.')[0]) >= 24) {
  module.enableCompileCache(cache)
  import(pathToFileURL(main).href)
} else handOver(findNode())

/** Path of the Node that npm installed as a package, here or in a folder above. */
function findNode() {
  try {
    return createRequire(import.meta.url).resolve(`node/bin/node${process.platform === 'win32' ? '.exe' : ''}`)
  } catch {
    return undefined
  }
}

function handOver(node) {
  if (!node) {
    console.error(
      `tidings needs Node 24 or later; this is ${process.version}. Get it at https://nodejs.org, or run "npm ci" in its folder.`
    )
    process.exitCode = 1
    return
  }
  const child = spawn(node, [main, ...process.argv.slice(2)], { stdio: 'inherit', env: { NODE_COMPILE_CACHE: cache, ...process.env } })
  // A terminal sends Ctrl-C to both of us: handing it on would make it two.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => (signal === 'SIGINT' && process.stdin.isTTY ? undefined : child.kill(signal)))
  }
  child.on('error', error => {
    console.error(`${node} cannot be started: ${error.message}`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => process.exit(code === null ? 128 + constants.signals[signal] : code))
}
