// What a program has printed when it has ended.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'

/** The exit code of a program, null after a signal, and what it printed. */
export interface Finished {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Waits until a program ends. */
export async function finished(child: ChildProcess): Promise<Finished> {
  let [out, err] = ['', '']
  child.stdout?.on('data', text => {
    out += text
  })
  child.stderr?.on('data', text => {
    err += text
  })
  const [code] = await once(child, 'close')
  return { code, out, err }
}
