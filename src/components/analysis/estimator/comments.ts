// The comments by which slicers mark features and layers.

/** The longest name of a feature. */
const LONGEST_NAME = 60

/** PrusaSlicer, OrcaSlicer, Cura, ideaMaker; Bambu Studio; Simplify3D and Kiri:Moto. */
const FEATURE = /^(?:TYPE:|FEATURE:|feature )\s*/
/** KISSlicer writes the path's name in quotes. */
const KISSLICER_PATH = /^'([A-Za-z/ &-]+ Path)'/
/** The first word of the comment after the signs that some slicers frame it with. */
const LAYER = /^(?:before_)?(?:layer_change|change_layer|layer:\d|layer \d|layer>|\w+_layer_object)/

/** The feature that starts at a comment line, or undefined. */
export function featureOf(line: string): string | undefined {
  const text = textOf(line)
  const found = FEATURE.exec(text)
  const name = found === null ? KISSLICER_PATH.exec(text)?.[1] : text.slice(found[0].length)
  const trimmed = name?.trim().slice(0, LONGEST_NAME)
  return trimmed === '' ? undefined : trimmed
}

/** Whether a layer starts at a comment line. */
export function startsLayer(line: string): boolean {
  return LAYER.test(textOf(line).toLowerCase())
}

/** The comment without its sign and what frames it: `;; --- layer 0 (…`, `;<layer 0>`. */
function textOf(line: string): string {
  let at = 0
  while (at < line.length && ' \t;-<='.includes(line[at]!)) at++
  return line.slice(at, at + LONGEST_NAME + 20)
}
