"""The working graph: one mutable copy that rules rewrite, with its facts and its lineage.

Unlike ``rewrite.edit`` it proves nothing and keeps no undo: it answers in constant time who makes
and who reads a tensor, of what type a tensor is and what a small constant holds, and each rewrite
says at once which originals the new node stands for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ...graph.functions import FUSED
from .near import NearMiss
from .node import WorkNode, made
from .reading import Reading
from .values import UNKNOWN, Array, Constant, Dim, Dims, Type


class Work(Reading):
    """A graph or body that is being lowered, and all that changes it."""

    def fresh(self, hint: str) -> str:
        """A name that no tensor has."""
        return self._free(hint, self.root.names)

    def _free(self, hint: str, taken: set[str]) -> str:
        name, numbers = hint, self.root._numbers
        while name in taken or not name:
            number = numbers.get(hint, 0)
            numbers[hint] = number + 1
            name = f"{hint}_token_{number}"
        taken.add(name)
        return name

    def call(self, node: WorkNode, name: str) -> None:
        """Name a node, as no other is named."""
        self.root.node_names.discard(node.name)
        node.name = self._free(name, self.root.node_names)

    def insert(self, node: WorkNode) -> WorkNode:
        """Put a node in, behind all others in the order of creation."""
        node.index = self.next_index
        self.next_index += 1
        self.nodes[node.index] = node
        self.by_op[node.op][node.index] = node
        for output in node.outputs:
            if output:
                self._makers[output] = node
        for tensor in (*node.inputs, *node.captures):
            if tensor:
                self._readers[tensor].append(node)
        if node.bodies:
            self.root.has_bodies = True
        self.version += 1
        return node

    def add(
        self,
        op: str,
        inputs: Sequence[str],
        outputs: Sequence[str] | str,
        *,
        covers: Iterable[WorkNode] = (),
        domain: str = "",
        name: str = "",
        attributes: Mapping[str, Any] | None = None,
    ) -> WorkNode:
        """Put in a node that stands for what other nodes stand for.

        ``attributes`` are protos or Python values.
        """
        protos = {
            k: v if hasattr(v, "ref_attr_name") else next(iter(made({k: v}).values()))
            for k, v in (attributes or {}).items()
            if v is not None
        }
        outs = [outputs] if isinstance(outputs, str) else list(outputs)
        called = name and self._free(name, self.root.node_names)
        node = WorkNode(op, inputs, outs, protos, domain=domain, name=called)
        node.covers = union(covers)
        return self.insert(node)

    def glue(
        self,
        op: str,
        tensor: str,
        output: str,
        near: Iterable[WorkNode],
        *,
        domain: str = "",
        **attributes: Any,  # noqa: ANN401 - what make_attribute takes
    ) -> WorkNode:
        """Put in a node that only changes a tensor's layout, shape or type between others."""
        node = self.add(op, [tensor], output, domain=domain, name=op, attributes=attributes)
        node.glue, node.covers = True, union(near)
        return node

    def detach(self, node: WorkNode) -> None:
        """Take a node out; what it made has no maker any more."""
        del self.nodes[node.index]
        del self.by_op[node.op][node.index]
        self.root.node_names.discard(node.name)
        for output in node.outputs:
            if output and self._makers.get(output) is node:
                del self._makers[output]
        for tensor in (*node.inputs, *node.captures):
            if tensor:
                self._unread(tensor, node)
        self.version += 1

    def _unread(self, tensor: str, node: WorkNode) -> None:
        readers = self._readers[tensor]
        readers.remove(node)
        if not readers:
            del self._readers[tensor]

    def drop(self, node: WorkNode, fate: str) -> None:
        """Take a node out that no other stands for, and say what became of its originals."""
        self.detach(node)
        for original in () if node.glue else node.covers:
            self.root.fates.setdefault(original, fate)

    def replace(
        self,
        nodes: Sequence[WorkNode],
        op: str,
        inputs: Sequence[str],
        outputs: Sequence[str] | str,
        *,
        domain: str = "",
        name: str = "",
        attributes: Mapping[str, Any] | None = None,
    ) -> WorkNode:
        """Put one node in the place of several; it stands for what they stood for."""
        for node in nodes:
            self.detach(node)
        return self.add(
            op, inputs, outputs, covers=nodes, domain=domain, name=name, attributes=attributes
        )

    def absorb(self, node: WorkNode, last: WorkNode, *others: WorkNode) -> None:
        """Let a node do the work of the one behind it, whose output it then makes."""
        for gone in (*others, last):
            self.detach(gone)
            cover(node, gone)
        self.set_outputs(node, last.outputs)

    def fuse(self, nodes: Sequence[WorkNode], op: str, name: str = "") -> WorkNode:
        """Let one kernel run several nodes; it carries them.

        Parameters
        ----------
        nodes
            In an order in which they can run; no path between two of them leads outside.
        op, name
            Of the fused node.
        """
        inside = {node.index for node in nodes}
        made = [o for node in nodes for o in node.outputs if o]
        outputs = [
            o
            for o in made
            if self.is_output(o)
            or not self.readers(o)  # yet
            or any(r.index not in inside for r in self.readers(o))
        ]
        reads = dict.fromkeys(t for node in nodes for t in node.inputs if t)
        parts = tuple(part for node in nodes for part in node.parts or (node,))
        inputs = [t for t in reads if t not in set(made)]
        fused = self.replace(nodes, op, inputs, outputs, domain=FUSED, name=name)
        fused.parts = parts
        return fused

    def bypass(self, node: WorkNode, source: str, fate: str = "cse") -> None:
        """Take a node out that answers ``source``: its readers read that instead.

        If the graph answers the node's output, the maker of ``source`` makes it under that name.
        """
        old = node.outputs[0]
        maker = self.maker(source)
        self.drop(node, fate)
        if self.is_output(old) and maker is not None:
            self.rename(source, old)
        else:
            self.rewire(old, source)

    def rewire(self, old: str, new: str) -> None:
        """Let all readers of ``old`` here read ``new``."""
        gone = self.root.left_out.pop(old, None)
        if gone is not None:
            self.root.left_out.setdefault(new, []).extend(gone)
        for reader in self._readers.pop(old, []):
            self._readers[new].append(reader)
            reader.inputs = [new if t == old else t for t in reader.inputs]
            if old in reader.captures:
                reader.captures = tuple(new if t == old else t for t in reader.captures)
                for body in reader.bodies.values():
                    body.recapture(old, new)
        self.version += 1

    def recapture(self, old: str, new: str) -> None:
        """Read another tensor of the scope around this body."""
        if old in self.inputs or old in self._makers or old in self.constants:
            return
        self.rewire(old, new)
        if old in self.outputs:
            self.set_graph_outputs([new if t == old else t for t in self.outputs])

    def rename(self, old: str, new: str) -> None:
        """Let the maker of ``old`` make it as ``new``, which nothing makes."""
        maker = self._makers.pop(old)
        maker.outputs = [new if t == old else t for t in maker.outputs]
        self._makers[new] = maker
        self.types[new] = self.type(old)
        self.rewire(old, new)

    def set_input(self, node: WorkNode, slot: int, tensor: str) -> None:
        """Let a node read another tensor."""
        while len(node.inputs) <= slot:
            node.inputs.append("")
        old = node.inputs[slot]
        node.inputs[slot] = tensor
        if old:
            self._unread(old, node)
        if tensor:
            self._readers[tensor].append(node)
        self.version += 1

    def set_inputs(self, node: WorkNode, inputs: Sequence[str]) -> None:
        """Let a node read other tensors."""
        for tensor in node.inputs:
            if tensor:
                self._unread(tensor, node)
        node.inputs = list(inputs)
        for tensor in inputs:
            if tensor:
                self._readers[tensor].append(node)
        self.version += 1

    def set_outputs(self, node: WorkNode, outputs: Sequence[str]) -> None:
        """Let a node make other tensors."""
        for tensor in node.outputs:
            if tensor and self._makers.get(tensor) is node:
                del self._makers[tensor]
        node.outputs = list(outputs)
        for tensor in outputs:
            if tensor:
                self._makers[tensor] = node
        self.version += 1

    def set_op(self, node: WorkNode, op: str, domain: str = "") -> None:
        """Make a node another operator."""
        del self.by_op[node.op][node.index]
        node.op, node.domain = op, domain
        self.by_op[op][node.index] = node
        self.version += 1

    def set_graph_outputs(self, outputs: Sequence[str]) -> None:
        """Name what the graph answers."""
        self.outputs = list(outputs)
        self._output_count = defaultdict(int)
        for tensor in outputs:
            self._output_count[tensor] += 1

    def store(
        self,
        hint: str,
        dtype: int,
        shape: Sequence[int],
        array: Array | None = None,
    ) -> str:
        """Add a constant, its contents maybe unknown; answers its name."""
        name = self.fresh(hint)
        self.constants[name] = Constant(dtype, tuple(shape), None, array)
        self.types[name] = Type(dtype, tuple(shape))
        return name

    def settle(self, tensor: str, constant: Constant) -> None:
        """Make a constant of a tensor that a node made, which is gone."""
        self.constants[tensor] = constant
        self.types[tensor] = Type(constant.dtype, constant.shape)
        self.version += 1

    def tensor(self, hint: str, like: Type) -> str:
        """A new tensor of a type, for a node to make."""
        name = self.fresh(hint)
        self.types[name] = like
        return name

    def decline(
        self,
        rule: str,
        nodes: Iterable[WorkNode],
        reason: str,
        fix: str = "",
        mend: Callable[[], object] | None = None,
        *,
        kind: str = "",
    ) -> bool:
        """Note what a rule nearly matched; whether it was mended, so that the rule looks again.

        Parameters
        ----------
        rule
            Its name.
        nodes
            Where it nearly matched.
        reason, fix
            What stood in its way, and what the user can do about it, with names.
        mend
            Makes the fix in this graph; it is called where a lowering is to tell what the kind of
            hindrance costs, once a place.
        kind
            What stood in its way, without names; the reason, if it has none.
        """
        paths = tuple(dict.fromkeys(p for n in nodes for p in n.covers))
        near = NearMiss(rule, paths, kind or reason, reason, fix, mend is not None)
        root = self.root
        if not paths:
            return False
        root.declined[near] = None
        if mend is None or near.way not in root.mending or (near, reason) in root._mended:
            return False
        root._mended.add((near, reason))
        mend()
        return True


def cover(node: WorkNode, gone: WorkNode) -> None:
    """Let a node stand for what another stood for."""
    if not gone.glue:
        own = () if node.glue else node.covers
        node.covers = tuple(dict.fromkeys((*own, *gone.covers)))
        node.glue = False


def union(nodes: Iterable[WorkNode]) -> tuple[str, ...]:
    """What nodes stand for together."""
    return tuple(dict.fromkeys(path for node in nodes if not node.glue for path in node.covers))


__all__ = ["UNKNOWN", "Array", "Constant", "Dim", "Dims", "Type", "Work", "cover", "union"]
