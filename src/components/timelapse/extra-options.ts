// The setting `extraoutputparams`: options for ffmpeg, which must not read or write other files.
import { ApiError } from '../../core/errors.ts'

/** Options that may be given, with one value each. */
const OPTIONS: ReadonlySet<string> = new Set([
  '-aspect',
  '-b:v',
  '-bf',
  '-bufsize',
  '-c:v',
  '-codec:v',
  '-color_primaries',
  '-color_range',
  '-color_trc',
  '-colorspace',
  '-compression_level',
  '-crf',
  '-fps_mode',
  '-g',
  '-keyint_min',
  '-level',
  '-maxrate',
  '-metadata',
  '-minrate',
  '-movflags',
  '-num_capture_buffers',
  '-num_output_buffers',
  '-pix_fmt',
  '-preset',
  '-profile:v',
  '-q:v',
  '-qmax',
  '-qmin',
  '-qp',
  '-qscale:v',
  '-r',
  '-refs',
  '-s',
  '-tag:v',
  '-threads',
  '-tune',
  '-vcodec',
  '-vsync',
])

/** Options without a value. */
const FLAGS: ReadonlySet<string> = new Set(['-an', '-dn', '-sn', '-shortest'])

const FILTER_OPTIONS: ReadonlySet<string> = new Set(['-vf', '-filter:v'])

/** Filters that read no files and run no commands. */
const FILTERS: ReadonlySet<string> = new Set(
  `atadenoise avgblur boxblur chromashift colorbalance colorchannelmixer colorlevels colortemperature crop
   deband deblock deflicker drawbox drawgrid eq exposure fade fillborders format fps framerate gblur hflip hqdn3d
   hue lagfun lenscorrection minterpolate negate nlmeans noise normalize null pad perspective rotate scale setdar
   setpts setsar smartblur tblend tmix tpad transpose trim unsharp vflip vibrance vignette yadif zoompan`.split(
    /\s+/,
  ),
)

/** What the user adds to the command. */
export interface ExtraOptions {
  /** Filters that follow those of the server. */
  readonly filters: readonly string[]
  readonly options: readonly string[]
}

/** Splits the text as a shell does. Throws ApiError 400 for what is not allowed. */
export function readExtraOptions(text: string): ExtraOptions {
  const words = splitWords(text)
  const filters: string[] = []
  const options: string[] = []
  while (words.length > 0) {
    const option = words.shift() ?? ''
    if (FLAGS.has(option)) {
      options.push(option)
      continue
    }
    if (!OPTIONS.has(option) && !FILTER_OPTIONS.has(option)) throw refused(`the option '${option}' of ffmpeg`)
    const value = words.shift()
    if (value === undefined)
      throw new ApiError(400, `extraoutputparams: the option '${option}' needs a value`)
    if (/:\/\/|^[/~]|\.\.\/|=\s*\//.test(value)) throw refused(`the path or address '${value}'`)
    if (!FILTER_OPTIONS.has(option)) options.push(option, value)
    else filters.push(checkedFilters(value))
  }
  return { filters, options }
}

function refused(what: string): ApiError {
  return new ApiError(400, `extraoutputparams: ${what} is not allowed`)
}

/** A chain of filters: names and values, with commas between the filters. */
function checkedFilters(chain: string): string {
  if (/[[\];]/.test(chain)) throw refused('a filter graph with brackets or semicolons')
  // Commas inside of quotes, or after a backslash, belong to a value.
  const filters = chain.match(/(?:'[^']*'|\\.|[^,'\\])+/gs) ?? []
  for (const filter of filters) {
    const name = /^\s*([\w]+)/.exec(filter)?.[1] ?? filter
    if (!FILTERS.has(name)) throw refused(`the filter '${name}'`)
  }
  return chain
}

/** Words with quotes and backslashes, as in a shell, without anything that a shell would replace. */
function splitWords(text: string): string[] {
  const found = text.match(/(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\])+|\S/gs) ?? []
  return found.map(word =>
    word.replace(
      /"((?:\\.|[^"\\])*)"|'([^']*)'|\\(.)/gs,
      (_, double?: string, single?: string, escaped?: string) =>
        double === undefined ? (single ?? escaped ?? '') : double.replace(/\\(["\\])/g, '$1'),
    ),
  )
}
