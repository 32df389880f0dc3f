// Reads the heap of a Node process after a forced collection of garbage: what is still in use shows a leak, where resident
// memory also has what V8 and the C library keep for later.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { sleep } from './load.ts'

export class HeapProbe implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'heap-'))
  readonly #module = join(this.#folder, 'probe.mjs')
  readonly #result = join(this.#folder, 'heap')

  constructor() {
    writeFileSync(
      this.#module,
      `import { renameSync, writeFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc')
process.on('SIGUSR2', () => {
  gc()
  gc()
  const { heapUsed, external } = process.memoryUsage()
  writeFileSync('${this.#result}.new', String(heapUsed + external))
  renameSync('${this.#result}.new', '${this.#result}')
})
`,
    )
  }

  /** Arguments of Node, in front of the program that is measured. */
  get args(): readonly string[] {
    return ['--import', pathToFileURL(this.#module).href]
  }

  /** What the process uses, in MB. */
  async megabytes(pid: number): Promise<number> {
    process.kill(pid, 'SIGUSR2')
    while (!existsSync(this.#result)) await sleep(0.01)
    const bytes = Number(readFileSync(this.#result, 'utf8'))
    rmSync(this.#result)
    return bytes / 1024 / 1024
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
