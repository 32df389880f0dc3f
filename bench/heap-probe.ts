// Reads the heap of a Node process after a forced collection of garbage: what is still in use shows a leak, where resident
// memory also has what V8 and the C library keep for later. It also counts what the process allocates.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { sleep } from './load.ts'

export class HeapProbe implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'heap-'))
  readonly #module = join(this.#folder, 'probe.mjs')
  readonly #result = join(this.#folder, 'result')

  constructor() {
    writeFileSync(
      this.#module,
      `import { renameSync, writeFileSync } from 'node:fs'
import { GCProfiler, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc')
function reply(value) {
  writeFileSync('${this.#result}.new', String(value))
  renameSync('${this.#result}.new', '${this.#result}')
}
process.on('SIGUSR2', () => {
  gc()
  gc()
  const { heapUsed, external } = process.memoryUsage()
  reply(heapUsed + external)
})
let profiler = null
process.on('SIGWINCH', () => {
  if (profiler === null) {
    profiler = new GCProfiler()
    profiler.start()
    gc()
    return reply(0)
  }
  gc()
  const [first, ...later] = profiler.stop().statistics
  profiler = null
  let allocated = 0
  let used = first.afterGC.heapStatistics.usedHeapSize
  for (const { beforeGC, afterGC } of later) {
    allocated += beforeGC.heapStatistics.usedHeapSize - used
    used = afterGC.heapStatistics.usedHeapSize
  }
  reply(allocated)
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
    return (await this.#request(pid, 'SIGUSR2')) / 1024 / 1024
  }

  /** What the process allocates on its heap while `work` is done, in MB. */
  async allocated(pid: number, work: () => Promise<void>): Promise<number> {
    await this.#request(pid, 'SIGWINCH')
    await work()
    return (await this.#request(pid, 'SIGWINCH')) / 1024 / 1024
  }

  async #request(pid: number, signal: NodeJS.Signals): Promise<number> {
    process.kill(pid, signal)
    while (!existsSync(this.#result)) await sleep(0.01)
    const value = Number(readFileSync(this.#result, 'utf8'))
    rmSync(this.#result)
    return value
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
