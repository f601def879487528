/** Tables as text: RFC 4180, read with any line end, written with that of the RFC. */
import { BadMessage } from '../model/errors.ts'

/**
 * The rows of a table; empty lines are none. Quotes that are not closed end with the text.
 * @throws BadMessage for more than `mostRows` rows
 */
export function readCsv(text: string, mostRows: number): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  const cell = /("(?:[^"]+|"")*(?:"|$)|[^",\r\n]*)[^,\r\n]*(,|\r\n|\n|\r|$)/y
  const source = text.replace(/^\ufeff/, '')
  while (cell.lastIndex < source.length) {
    const [, raw = '', end] = cell.exec(source) ?? []
    row.push(raw.startsWith('"') ? raw.slice(1, raw.length > 1 && raw.endsWith('"') ? -1 : undefined).replaceAll('""', '"') : raw)
    if (end === ',' && cell.lastIndex < source.length) continue
    if (end === ',') row.push('')
    if (row.length > 1 || row[0] !== '') rows.push(row)
    if (rows.length > mostRows) throw new BadMessage(`The list has more than ${mostRows} lines.`)
    row = []
  }
  return rows
}

/** @param rows what begins like a formula is written as it is: no cell of ours holds more than names and words of ours */
export const writeCsv = (rows: string[][]): string => rows.map(row => `${row.map(writeCell).join(',')}\r\n`).join('')

const writeCell = (cell: string): string => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)
