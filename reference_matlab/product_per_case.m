function product = product_per_case(total, numcases, nchunks, tchunk)
% From a sum over the cases of the target chunk (or of all chunks, where it is empty) to a mean over cases.

product = total/numcases;
if ~isempty(tchunk)
    product = product*nchunks;
end
end
