// The height of a print from the comments at its layer changes, as PrusaSlicer's family writes them.
import { allOf, type Field, type Source } from '../field.ts'
import { extreme, numbersAfter, restOfLine } from '../gcode-lines.ts'
import { decimalIn } from '../values.ts'

/** The comment of a profile's custom G-code; the height follows in one of the next two lines. */
const BEFORE_LAYER = ';BEFORE_LAYER_CHANGE'
/** The slicer's own comments: PrusaSlicer's and BambuStudio's. */
const HEIGHTS = [';Z:', '; Z_HEIGHT: ']
/** The head of every file with such comments contains one of these. */
const SIGNS = ['\n;LAYER_CHANGE', '\n; CHANGE_LAYER', `\n${BEFORE_LAYER}`]
const SEQUENTIAL = ['complete_objects', 'print_sequence']

/** The highest layer in the file, or in its tail. */
export const highestLayer: Field<number> = {
  place: 'tail',
  keys: SEQUENTIAL,
  read: source => (isLastObjectOnly(source) ? undefined : heightIn(source.text)),
}

/** The last layer change before the tail of a large file: a large layer may fill the tail. */
export const highestLayerBetween: Field<number> = {
  place: 'tail',
  keys: SEQUENTIAL,
  read: source => (isLastObjectOnly(source) ? null : undefined),
  instead: { place: 'between', keys: [], signs: SIGNS, read: source => heightIn(source.text) },
}

/** If objects are printed one after the other, the last one need not be the highest. */
function isLastObjectOnly(source: Source): boolean {
  if (source.isWhole) return false
  return allOf(source, SEQUENTIAL).some(({ value }) => value === '1' || value === 'by object')
}

function heightIn(text: string): number | undefined {
  const custom = extreme(customHeights(text), Math.max)
  if (custom !== undefined) return custom
  return extreme(
    HEIGHTS.flatMap(sign => [...numbersAfter(text, sign)]),
    Math.max,
  )
}

/** The first line after the comment may be a command of the user's profile. */
function* customHeights(text: string): Generator<number> {
  for (let at = text.indexOf(BEFORE_LAYER); at !== -1; at = text.indexOf(BEFORE_LAYER, at + 1)) {
    if (restOfLine(text, at + BEFORE_LAYER.length).trim() !== '') continue
    const first = text.indexOf('\n', at) + 1
    if (first === 0) return
    const second = text.indexOf('\n', first) + 1
    const height = (second === 0 ? undefined : heightAt(text, second)) ?? heightAt(text, first)
    if (height !== undefined) yield height
  }
}

function heightAt(text: string, at: number): number | undefined {
  return /^;\d/.test(text.slice(at, at + 2)) ? decimalIn(restOfLine(text, at + 1)) : undefined
}
