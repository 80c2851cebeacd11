function chunks = product_chunks(nchunks, tchunk)
% The chunks a curvature product runs over: the target chunk, or all where it is empty.

if isempty(tchunk)
    chunks = 1:nchunks;
else
    chunks = tchunk;
end
end
