// A machine made of files: what /proc, /sys and /usr/bin would hold, below a temporary folder.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { SmallFiles } from '../../../src/components/proc-stats/small-files.ts'

export class MachineFolder implements Disposable {
  readonly root = mkdtempSync(path.join(tmpdir(), 'machine-'))
  readonly files = new SmallFiles(this.root)

  constructor(content: Readonly<Record<string, string>> = {}) {
    for (const [place, text] of Object.entries(content)) this.write(place, text)
  }

  /** Writes a file; `place` is absolute on that machine. */
  write(place: string, text: string): void {
    const file = path.join(this.root, place)
    mkdirSync(path.dirname(file), { recursive: true })
    writeFileSync(file, text)
    if (place.includes('/bin/')) chmodSync(file, 0o755)
  }

  /** Makes a link that says `target`, as it stands. */
  link(place: string, target: string): void {
    const file = path.join(this.root, place)
    mkdirSync(path.dirname(file), { recursive: true })
    symlinkSync(target, file)
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true })
  }
}
