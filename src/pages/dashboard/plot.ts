// The geometry of the temperature plot: its scale, and the lines in a picture of 100 units height.

/** The marks of the vertical axis from 0 to `top`, in °C. */
export interface Scale {
  readonly top: number
  readonly marks: readonly number[]
}

type Values = readonly (number | null)[]

/** A scale for all values: at most six marks, with room above the highest value. */
export function scaleOf(series: readonly Values[]): Scale {
  let highest = 45
  for (const values of series) for (const value of values) highest = Math.max(highest, value ?? 0)
  const step = [10, 20, 25, 50, 100, 200].find(size => highest * 1.05 <= size * 5) ?? 500
  const top = Math.ceil((highest * 1.05) / step) * step
  return { top, marks: Array.from({ length: top / step + 1 }, (_, index) => index * step) }
}

/** The path of a line whose last value is at `length`; missing values are gaps. */
export function linePath(values: Values, length: number, top: number): string {
  let path = ''
  let isDrawing = false
  for (const [index, value] of values.entries()) {
    if (value === null) {
      isDrawing = false
      continue
    }
    const x = length - values.length + index + 1
    const y = Math.round((1 - Math.min(1, Math.max(0, value / top))) * 10_000) / 100
    path += `${isDrawing ? 'L' : 'M'}${x} ${y}`
    isDrawing = true
  }
  return path
}
