// A program in place of ffmpeg: it writes its arguments down, reports progress, and makes a "video" of the frames.
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** `ok` joins the frames; the others fail as ffmpeg does. `wait` goes on when the file `go` exists. */
export type StubMode = 'ok' | 'fail' | 'half' | 'empty' | 'killed' | 'hang' | 'wait'

const SCRIPT = `#!/bin/sh
here=$(dirname "$0")
printf '%s\\n' "$@" > "$here/argv"
echo run >> "$here/runs"
echo $$ > "$here/pid"
for last; do :; done
count=$(ls frame*.jpg 2>/dev/null | wc -l)
video() { cat frame*.jpg > "$last"; }
report() { number=1; while [ $number -le $count ]; do echo "frame=$number"; number=$((number + 1)); done; }
case $(cat "$here/mode") in
  ok) report; case "$*" in *mjpeg*) echo preview > "$last" ;; *) video ;; esac ;;
  fail) echo 'Conversion failed!' >&2; exit 1 ;;
  half) head -c 10 frame000001.jpg > "$last"; exit 1 ;;
  empty) : > "$last" ;;
  killed) echo half > "$last"; kill -9 $$ ;;
  hang) echo frame=1; echo half > "$last"; exec sleep 1000 ;;
  wait) echo frame=1; while [ -e "$here" ] && [ ! -e "$here/go" ]; do sleep 0.02; done; video ;;
esac
`

export class StubFfmpeg {
  readonly path: string
  readonly #folder: string

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true })
    this.#folder = folder
    this.path = join(folder, 'ffmpeg')
    writeFileSync(this.path, SCRIPT)
    chmodSync(this.path, 0o755)
    this.mode = 'ok'
  }

  set mode(mode: StubMode) {
    writeFileSync(join(this.#folder, 'mode'), mode)
  }

  /** Ends the mode `wait`. */
  go(): void {
    writeFileSync(join(this.#folder, 'go'), '')
  }

  /** The arguments of the last run. */
  get args(): string[] {
    return readFileSync(join(this.#folder, 'argv'), 'utf8').trimEnd().split('\n')
  }

  /** The process of the last run. */
  get pid(): number {
    return Number(readFileSync(join(this.#folder, 'pid'), 'utf8'))
  }

  /** How often it ran. */
  get runs(): number {
    const file = join(this.#folder, 'runs')
    return existsSync(file) ? readFileSync(file, 'utf8').split('\n').length - 1 : 0
  }
}
