// The types of what crosses between Python and the page: twins of the TypedDicts in
// sceplab/views/state.py, name for name (a test compares them). There is no code here.

/**
 * The bytes from `start` to before `end` of a buffer.
 * @typedef {object} Span
 * @property {number} buffer
 * @property {number} start
 * @property {number} end
 */

/**
 * Bytes that are shown as one layer.
 * @typedef {object} BufferState
 * @property {string} title
 * @property {string} type "text", or the name of its ASN.1 type
 * @property {number} start where its bytes start in `data`
 * @property {number} length
 * @property {number | null | undefined} parent the number of the buffer that it was made from
 * @property {number} at the offset there of the element that it was made from
 * @property {string} how what was done to get it, e.g. "decrypted"
 * @property {boolean} complete whether `labels` has all its elements
 */

/**
 * What an element is called and what it says.
 * @typedef {object} Label
 * @property {number} start
 * @property {string} name
 * @property {string} type
 * @property {string} value
 * @property {string} section
 * @property {string} link
 * @property {string} step its part of a path, "" where a path leaves it out
 * @property {string} [meaning] what the field is for, where that is known
 * @property {string} [header] tag and length, in words
 * @property {boolean} [wraps] whether a short tree leaves it out; only where true
 * @property {string} [called] its name in a short tree, where that is another one
 * @property {string} [also] what a short tree says beside it
 * @property {boolean} [guess] only where true
 * @property {string[]} [findings] what breaks DER; only where there are any
 */

/**
 * Bytes with a meaning.
 * @typedef {object} RegionState
 * @property {string} kind
 * @property {string} title
 * @property {string} verdict the outcome of its check, "" where there is none
 * @property {string} label
 * @property {string} note
 * @property {Span[]} spans
 * @property {Span | null} proof the signature, digest or ciphertext itself
 */

/**
 * A stop on the way through the layers.
 * @typedef {object} Station
 * @property {string} title
 * @property {number} buffer
 * @property {number} offset
 */

/**
 * What an element says about the message.
 * @typedef {object} Fact
 * @property {string} about
 * @property {string} text
 * @property {number} buffer
 * @property {number} offset
 */

/**
 * A check of an editable message.
 * @typedef {object} CheckState
 * @property {string} name
 * @property {string} outcome
 * @property {string} detail
 * @property {string} before its outcome before anything was changed
 */

/**
 * The traits of sceplab.widgets.viewer.Asn1Viewer; lists in lists are one for each buffer.
 * @typedef {object} ViewerState
 * @property {"viewer"} view
 * @property {string} title
 * @property {DataView<ArrayBuffer>} data the bytes of all buffers
 * @property {BufferState[]} buffers
 * @property {Label[][]} labels
 * @property {number[][]} openings offsets of strings whose content is ASN.1
 * @property {RegionState[]} regions
 * @property {Station[]} stations
 * @property {Fact[]} facts
 * @property {[number, number] | []} selected [buffer, offset]
 * @property {number} lit the number of a region, or -1
 * @property {number} open_depth how many levels are open; -1: as many as show the facts
 * @property {boolean} wrappers whether the tree has elements that only wrap another
 * @property {Span[]} changed
 * @property {CheckState[]} checks
 * @property {boolean} editable
 * @property {boolean} can_undo
 * @property {string} problem
 * @property {number} revision
 */

/**
 * Python's answer to LabelsWanted.
 * @typedef {object} LabelsFound
 * @property {"labels"} kind
 * @property {number} buffer
 * @property {Label[]} labels
 * @property {number[]} openings
 */

/**
 * A view asks for the labels of elements.
 * @typedef {object} LabelsWanted
 * @property {"labels"} kind
 * @property {number} buffer
 * @property {number[]} offsets
 */

/**
 * Hex digits were typed over bytes.
 * @typedef {object} OctetsTyped
 * @property {"octets"} kind
 * @property {number} buffer
 * @property {number} offset
 * @property {string} hex
 */

/**
 * An element was given another content.
 * @typedef {object} ContentTyped
 * @property {"content"} kind
 * @property {number} buffer
 * @property {number} offset
 * @property {string} text
 * @property {boolean} hex whether `text` is hex digits
 */

/**
 * Undo was pressed.
 * @typedef {object} UndoPressed
 * @property {"undo"} kind
 */

/**
 * A trait was set in a window, where it is the trait's `number`-th; Python sends the same back.
 * @typedef {object} TraitSet
 * @property {"set"} kind
 * @property {string} name
 * @property {unknown} value
 * @property {string} window
 * @property {number} number
 */

/** @typedef {LabelsWanted | OctetsTyped | ContentTyped | UndoPressed | TraitSet} ToPython */
/** @typedef {LabelsFound | TraitSet} FromPython */

/**
 * A field as one of two structures has it.
 * @typedef {object} Side
 * @property {string} text
 * @property {number} start
 * @property {number} end
 */

/**
 * A field of two structures beside each other.
 * @typedef {object} DiffRow
 * @property {number} depth
 * @property {string} name
 * @property {string} type
 * @property {number} likeness its place in `likenesses`; 0 is "same"
 * @property {(Side | null)[]} sides two: first, second
 * @property {string} why
 * @property {number} parts how many fields it has itself
 */

/**
 * The traits of sceplab.widgets.difference.Asn1Diff.
 * @typedef {object} DiffState
 * @property {"diff"} view
 * @property {DataView<ArrayBuffer>} first
 * @property {DataView<ArrayBuffer>} second
 * @property {string[]} titles
 * @property {string[]} likenesses
 * @property {DiffRow[]} rows
 * @property {number} selected
 */

/**
 * A message of the ladder; `from` and `to` are places in `lifelines`.
 * @typedef {object} ArrowState
 * @property {number} exchange
 * @property {string} side "request" or "reply"
 * @property {number} from
 * @property {number} to
 * @property {string} label
 * @property {string} state
 * @property {string} sign
 * @property {string} time
 * @property {string} date
 */

/**
 * A message of the ladder, as what is selected.
 * @typedef {object} Place
 * @property {number} exchange
 * @property {string} side
 */

/**
 * The traits of sceplab.widgets.ladder.Ladder.
 * @typedef {object} LadderState
 * @property {string[]} lifelines
 * @property {ArrowState[]} arrows
 * @property {number} older how many exchanges are left out before the first arrow
 * @property {boolean} newest whether it is first shown scrolled to its end
 * @property {Partial<Place>} selected
 */

/**
 * What labels of a page have in common.
 * @typedef {object} LabelKind
 * @property {string} name
 * @property {string} type
 * @property {string} section
 * @property {string} link
 * @property {string} step
 * @property {string} [meaning]
 * @property {boolean} [wraps]
 * @property {string} [called]
 * @property {string} [also]
 * @property {boolean} [guess]
 * @property {string[]} [findings]
 */

/**
 * How base64 text is written from bytes; see sceplab/views/state.py.
 * @typedef {object} TextForm
 * @property {string[][]} escapes pairs of a character and its escape
 * @property {number} line characters of a line, 0 where there are no lines
 * @property {string} between
 * @property {string} end
 */

/**
 * The state of a viewer as a page keeps it; see sceplab/views/state.py.
 * @typedef {object} PackedView
 * @property {string} title
 * @property {BufferState[]} buffers
 * @property {unknown[][][]} labels rows: distance from the start before, kind, header, value
 * @property {unknown[][][]} later rows that are given when looked at
 * @property {number[][]} openings
 * @property {number[][]} opened_later
 * @property {RegionState[]} regions
 * @property {Station[]} stations
 * @property {Fact[]} facts
 * @property {[number, number] | []} selected
 * @property {number} lit
 * @property {number} open_depth
 * @property {boolean} wrappers
 * @property {Span[]} changed
 * @property {CheckState[]} checks
 * @property {number} at where its bytes start in its pack
 * @property {number} length
 * @property {TextForm | null} text how to write the first layer, which is not among the bytes
 * @property {string} without what can be done in a notebook only
 */

/**
 * The state of a comparison as a page keeps it.
 * @typedef {object} PackedDiff
 * @property {string[]} titles
 * @property {string[]} likenesses
 * @property {DiffRow[]} rows
 * @property {number} selected
 * @property {number} at
 * @property {number} split how many of the bytes are those of the first structure
 * @property {number} length
 */

/**
 * What a page shows of a message: a sentence, preformatted lines, or a view.
 * @typedef {object} PagePart
 * @property {string} head
 * @property {string} text
 * @property {boolean} lines
 * @property {PackedView} [view]
 * @property {PackedDiff} [diff]
 */

/**
 * A broken rule.
 * @typedef {object} PageFinding
 * @property {string} level
 * @property {string} rule
 * @property {string} where
 * @property {string} found
 * @property {string} fix
 * @property {string} section
 */

/**
 * What a page shows of an exchange.
 * @typedef {object} PageExchange
 * @property {PagePart[]} request
 * @property {PagePart[]} reply
 * @property {PageFinding[]} findings
 * @property {number} more how many findings are not listed
 */

/**
 * What a page holds.
 * @typedef {object} PageState
 * @property {LadderState | null} ladder
 * @property {Place} first what is selected at first
 * @property {number[][]} packs the exchanges of each pack
 * @property {LabelKind[]} kinds
 * @property {boolean} judged whether findings were looked for
 */

/**
 * anywidget's model of a view.
 * @template State
 * @typedef {object} Model
 * @property {<Name extends keyof State>(name: Name) => State[Name]} get
 * @property {<Name extends keyof State>(name: Name, value: State[Name]) => void} set
 * @property {(event: string, act: (value: any) => void) => void} on
 * @property {(event: string, act: (value: any) => void) => void} off
 * @property {(message: ToPython) => void} send
 */

export {};
